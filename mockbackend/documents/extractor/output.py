"""The output of a reader: paragraphs under places and headings, as JSON lines.

Neighbouring paragraphs of one place and heading share a line. A heading with nothing below it becomes text, so that no
word of a document is lost.
"""

from __future__ import annotations

import json
import re
from typing import BinaryIO

from ..errors import TooLarge
from ..graphemes import last_boundary

# A longer title is a paragraph in large letters. Its beginning serves as the heading.
TITLE_CHARACTERS = 200
# A line is written once it is this long, and is never longer than LONGEST_LINE, whatever the paragraphs are.
LINE_CHARACTERS = 8_000
LONGEST_LINE = 50_000
SECTIONS = 200_000

_NEWLINE = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
# Controls, soft hyphens, byte order marks, lone surrogates and noncharacters.
_NOTHING = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\ufeff\ufffe\uffff\ud800-\udfff]")
# Indentation means something in code. Other runs of spaces do not.
_SPACES = re.compile(r"(?<=\S)[^\S\n]+")
_EMPTY_LINES = re.compile(r"\n\s*\n")


class LimitReached(Exception):
    """As many characters as may be read; the rest of the document is left out."""


class Output:
    """A writer of a document to `stream`, in reading order. Raises LimitReached after `characters`."""

    def __init__(self, stream: BinaryIO, characters: int) -> None:
        self._stream = stream
        self._characters = characters
        self._left = characters
        self._sections = 0
        self._notes: list[str] = []
        self._place = ""
        self._titles: list[tuple[int, str]] = []
        self._has_text = True
        self._paragraphs: list[str] = []
        self._length = 0

    @property
    def is_empty(self) -> bool:
        """Whether there was no text yet."""
        return not self._sections and not self._paragraphs

    def place(self, place: str, *titles: str) -> None:
        """Begin a place: what follows is there, under `titles` and no other headings."""
        self._leave(0)
        self._place = _title(place)
        self._titles = [(0, title) for title in map(_title, titles) if title]
        self._has_text = True

    def heading(self, level: int, title: str) -> None:
        """Begin a heading. 1 is the outermost level, and 0 the level of the document's own title."""
        title = " ".join(clean(title).split())
        if not title:
            return
        self._leave(level)
        self._titles.append((level, _title(title)))
        self._has_text = False
        if len(title) > TITLE_CHARACTERS:
            self.paragraph(title)

    def paragraph(self, text: str) -> None:
        """Add a paragraph, a list item or a row of a table."""
        # What cannot fit is not even cleaned.
        text = clean(text[: self._left + 1])
        if not text:
            return
        is_beyond = len(text) > self._left
        text = text[: self._left]
        self._left -= len(text)
        self._has_text = True
        self._paragraphs.append(text)
        self._length += len(text)
        if self._length >= LINE_CHARACTERS:
            self._flush()
        if is_beyond:
            raise LimitReached

    def note(self, words: str) -> None:
        """Add what its owner has to know of the document: what is left out, above all."""
        if words not in self._notes:
            self._notes.append(words)

    def close(self) -> None:
        """End the document."""
        self._leave(0)
        self._write({"end": True, "notice": " ".join(self._notes)})

    def cut(self) -> None:
        """End the document where it is."""
        self.note(
            f"Only the first {self._characters:,} characters of the file are searched (MAX_DOCUMENT_CHARACTERS). "
            f"What follows {self._place or 'them'} is left out; split the file to have all of it."
        )
        self._left = max(self._left, LONGEST_LINE)
        self.close()

    def fail(self, message: str, cause: str) -> None:
        """Report that the document cannot be read: `message` is for the user, `cause` for the log."""
        self._write({"failed": message, "cause": cause})

    def _leave(self, level: int) -> None:
        """Close the headings of this level and deeper ones."""
        self._flush()
        if not self._has_text and self._titles[-1][0] >= level:
            _, title = self._titles.pop()
            self.paragraph(title)
            self._flush()
        while self._titles and self._titles[-1][0] >= level:
            self._titles.pop()

    def _flush(self) -> None:
        text = "\n\n".join(self._paragraphs)
        self._paragraphs.clear()
        self._length = 0
        heading = " > ".join(title for _, title in self._titles)
        start = 0
        while start < len(text):
            self._sections += 1
            if self._sections > SECTIONS:
                raise TooLarge(f"The file has more than {SECTIONS:,} sections.")
            self._left -= len(heading) + len(self._place)
            end = _cut(text, start)
            self._write({"place": self._place, "heading": heading, "text": text[start:end]})
            start = end
        if self._left < 0:
            raise LimitReached

    def _write(self, line: dict[str, object]) -> None:
        self._stream.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")


def clean(text: str) -> str:
    """The text with plain newlines and spaces, without meaningless characters. Every step is linear."""
    text = _NOTHING.sub("", _NEWLINE.sub("\n", text))
    text = _SPACES.sub(" ", text).replace(" \n", "\n")
    return _EMPTY_LINES.sub("\n\n", text).strip()


def _title(text: str) -> str:
    text = " ".join(clean(text).split())
    return text if len(text) <= TITLE_CHARACTERS else text[: TITLE_CHARACTERS - 1].rstrip() + "…"


def _cut(text: str, start: int) -> int:
    """Where a line that begins at `start` ends: at a space, if it is too long."""
    end = start + LONGEST_LINE
    if end >= len(text):
        return len(text)
    space = text.rfind(" ", start + LONGEST_LINE // 2, end)
    return space if space > 0 else last_boundary(text, end, start)
