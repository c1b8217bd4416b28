"""Plain text: empty lines separate paragraphs."""

from __future__ import annotations

import re

from ..encoding import read_text
from ..limits import Limits
from ..output import Output

# As formatted pages of a manual have it, where a letter that is struck twice is bold; and the colours of a terminal.
_TYPED_OVER = re.compile(r".\x08|\x1b\[[0-9;]*[A-Za-z]")
_EMPTY_LINES = re.compile(r"\n\s*\n")


def read(path: str, output: Output, limits: Limits) -> None:
    """Output every paragraph of a text file."""
    give_paragraphs(_TYPED_OVER.sub("", read_text(path, limits, output)), output)


def give_paragraphs(text: str, output: Output) -> None:
    """Output every paragraph of a text."""
    for paragraph in _EMPTY_LINES.split(text.replace("\r\n", "\n")):
        output.paragraph(paragraph)
