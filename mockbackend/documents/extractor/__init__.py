"""The process that reads one document: told by its arguments, it answers in JSON lines and writes nothing else.

Each reader is a module named like the kind that it reads, with one function `read(path, output, limits)`.
"""
