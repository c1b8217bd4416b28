"""Plain text: empty lines separate paragraphs."""

from __future__ import annotations

import re

from ..encoding import read_text
from ..limits import Limits
from ..output import Output

_EMPTY_LINES = re.compile(r"\n\s*\n")


def read(path: str, output: Output, limits: Limits) -> None:
    """Output every paragraph of a text file."""
    for paragraph in _EMPTY_LINES.split(read_text(path, limits).replace("\r\n", "\n")):
        output.paragraph(paragraph)
