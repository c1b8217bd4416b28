"""The readers: a module for each format, with one function `read(path, output, limits)`."""
