"""The program `python -m mockbackend.documents.extractor FORMAT PATH SECONDS MEMORY PAGES CHARACTERS PARENT`.

It is started for each document, so it imports nothing slow that not every document needs: dataclasses and orjson alone
would take as long as all the rest.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

from ..errors import NestedTooDeeply, OutOfMemory, Unreadable
from ..formats import FORMATS, Format
from .confinement import confine
from .limits import XML_ERR_NO_MEMORY, Limits
from .output import LimitReached, Output

DAMAGED = "The file is damaged, or its content does not match its name. Check that it opens in its program."


def main(format_name: str, path: str, seconds: str, memory: str, pages: str, characters: str, parent: str) -> None:
    """Read the file at `path`. The last line on stdout says how that ended."""
    limits = Limits(float(seconds), int(memory), int(pages), int(characters))
    confine(limits, int(parent))
    try:
        read(FORMATS[format_name], path, Output(sys.stdout.buffer, limits.characters), limits)
    except BrokenPipeError:
        os._exit(1)
    sys.stdout.buffer.flush()
    # Do not tear down what a library has built from a hostile file: that alone can crash.
    os._exit(0)


def read(document_format: Format, path: str, output: Output, limits: Limits) -> None:
    """Output the document, and at last how that ended."""
    try:
        # Each reader loads a library that takes time and memory, and only one reader is needed; so does the check.
        if document_format.office_folder:
            from .container import check

            check(path, document_format, limits)
        import_module(f".readers.{document_format.reader}", __package__).read(path, output, limits)
        output.close()
    except LimitReached:
        output.cut()
    except BrokenPipeError:
        raise
    except Exception as error:
        failure = _unreadable(error)
        output.fail(str(failure), "" if failure is error else type(error).__name__)


def _unreadable(error: Exception) -> Unreadable:
    """What the error is to the user. lxml reports its limits by a number, or only in words."""
    match error:
        case Unreadable():
            return error
        case MemoryError():
            return OutOfMemory()
        case RecursionError():
            return NestedTooDeeply()
        case SyntaxError() if "Excessive depth" in str(error):
            return NestedTooDeeply()
        case SyntaxError() if getattr(error, "code", None) == XML_ERR_NO_MEMORY:
            return OutOfMemory()
        case _:
            return Unreadable(DAMAGED)


if __name__ == "__main__":
    main(*sys.argv[1:])
