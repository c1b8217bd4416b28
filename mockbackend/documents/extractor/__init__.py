"""The process that reads one document: its arguments name the document, it answers in JSON lines and writes no file.

It bounds itself before it opens the document, then imports the one reader that the document's format needs.
"""
