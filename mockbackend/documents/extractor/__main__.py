"""`python -m mockbackend.documents.extractor FORMAT PATH SECONDS MEMORY PAGES CHARACTERS PARENT` reads one document."""

from __future__ import annotations

import os
import sys
from importlib import import_module

from ..errors import Unreadable
from ..formats import FORMATS
from .confinement import confine
from .container import check
from .limits import Limits
from .output import Output

DAMAGED = "The file is damaged, or is not what its name says."
MEMORY = "The file needs more memory to read than is allowed."
XML_ERR_NO_MEMORY = 2
NESTED = "The file is nested too deeply."


def main(format_name: str, path: str, seconds: str, memory: str, pages: str, characters: str, parent: str) -> None:
    """Read the file at `path`; what comes of it, a failure too, is the last line on stdout."""
    limits = Limits(float(seconds), int(memory), int(pages), int(characters))
    confine(limits, int(parent))
    output = Output(sys.stdout.buffer, limits.characters)
    document_format = FORMATS[format_name]
    try:
        if document_format.office_folder:
            check(path, document_format, limits)
        # Each reader brings a library that takes its time and memory to load; only one is needed.
        import_module(f".readers.{document_format.reader}", __package__).read(path, output, limits)
        output.close()
    except Unreadable as error:
        output.fail(str(error), "")
    except MemoryError:
        output.fail(MEMORY, "MemoryError")
    except RecursionError:
        output.fail(NESTED, "RecursionError")
    except BrokenPipeError:
        os._exit(1)
    except Exception as error:
        output.fail(*_words(error))
    sys.stdout.buffer.flush()
    # What a library built out of a hostile file is not taken apart any more: that alone can crash.
    os._exit(0)


def _words(error: Exception) -> tuple[str, str]:
    """For the user, and for the log. What lxml raises tells of its limits by a number, or by words alone."""
    cause = type(error).__name__
    if isinstance(error, SyntaxError) and "Excessive depth" in str(error):
        return NESTED, cause
    if isinstance(error, SyntaxError) and getattr(error, "code", None) == XML_ERR_NO_MEMORY:
        return MEMORY, cause
    return DAMAGED, cause


if __name__ == "__main__":
    main(*sys.argv[1:])
