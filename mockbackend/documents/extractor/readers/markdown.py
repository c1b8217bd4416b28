"""Markdown: headings of both forms. Fenced code and front matter are text, whatever their lines look like."""

from __future__ import annotations

import re

from ..encoding import read_text
from ..limits import Limits
from ..output import Output

_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*))?$")
_ATX_END = re.compile(r"(?:^|[ \t])#+$")
_SETEXT = re.compile(r" {0,3}(=+|-+)$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
# A line of a list, a quotation or a table: `---` under it is a rule, not a heading.
_OTHER = re.compile(r"\s*(?:[-*+>|]|\d+[.)]\s)|\s{4}")
_LINK = re.compile(r"!?\[([^\]\[]*)\]\([^()]*\)")
_MARKUP = re.compile(r"[*`]+|(?<!\w)_+|_+(?!\w)")
_FRONT = "---"


def read(path: str, output: Output, limits: Limits) -> None:
    """Output every paragraph of a Markdown file under its headings."""
    lines = read_text(path, limits, output).splitlines()
    if lines and lines[0].rstrip() == _FRONT and (_FRONT in lines[1:] or "..." in lines[1:]):
        end = next(number for number, line in enumerate(lines[1:], 1) if line.rstrip() in (_FRONT, "..."))
        output.paragraph("\n".join(lines[1:end]))
        lines = lines[end + 1 :]
    _Reading(output).read(lines)


class _Reading:
    def __init__(self, output: Output) -> None:
        self._output = output
        self._paragraph: list[str] = []
        self._fence = ""

    def read(self, lines: list[str]) -> None:
        for line in lines:
            self._read(line.rstrip())
        self._flush()

    def _read(self, line: str) -> None:
        fence = _FENCE.match(line)
        if self._fence:
            self._paragraph.append(line)
            if fence and fence[1].startswith(self._fence) and fence.end() == len(line):
                self._fence = ""
                self._flush()
        elif fence:
            self._flush()
            self._fence = fence[1]
            self._paragraph.append(line)
        elif heading := _ATX.match(line):
            self._flush()
            self._heading(len(heading[1]), _ATX_END.sub("", heading[2] or ""))
        elif (under := _SETEXT.match(line)) and self._paragraph and not _OTHER.match(self._paragraph[-1]):
            title = " ".join(self._paragraph)
            self._paragraph.clear()
            self._heading(1 if under[1][0] == "=" else 2, title)
        elif line:
            self._paragraph.append(line)
        else:
            self._flush()

    def _heading(self, level: int, title: str) -> None:
        self._output.heading(level, _MARKUP.sub("", _LINK.sub(r"\1", title)))

    def _flush(self) -> None:
        self._output.paragraph("\n".join(self._paragraph))
        self._paragraph.clear()
