"""Splitting a document's blocks into passages of a size that a model reads and an index ranks well.

A passage never crosses a place or a heading. Within them it ends at the last paragraph that ends in its second half,
else at a sentence, else at a word, else between any two characters as people see them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from ..storage.passages import Passage
from .graphemes import first_boundary, last_boundary

# The end of a sentence. Western marks need white space after them, Chinese and Japanese ones do not.
_SENTENCE = re.compile(r"[.!?…؟।][\"'”’»)\]]{0,3}(?=\s)|[。！？｡](?![。！？｡])[」』”’）】》]*")
# Words end at white space, and at the commas of scripts that use no spaces.
_WORD = re.compile(r"\s+|[、，；：]+")
_EMPTY_LINE = re.compile(r"\n\n")
_BLACK = re.compile(r"\S")
_PARAGRAPH = "\n\n"


def split(blocks: Iterable[Passage], size: int, overlap: int) -> list[Passage]:
    """Split into passages of at most `size` characters. Neighbours of one place and heading share up to `overlap`.

    `overlap` is at most half of `size`. Time is linear in the text.
    """
    passages: list[Passage] = []
    for (place, heading), group in groupby(blocks, lambda block: (block.place, block.heading)):
        text = _PARAGRAPH.join(block.text for block in group)
        passages += [
            Passage(text[start:end], place, heading) for start, end in _stretches(text.rstrip(), size, overlap)
        ]
    return passages


def _stretches(text: str, size: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Where each passage begins and ends. None begins or ends with white space."""
    start = _skip(text, 0)
    while start < len(text):
        end = _end(text, start, size, overlap)
        yield start, _trim(text, start, end)
        if end == len(text):
            return
        start = _skip(text, _next(text, start, end, overlap))


def _end(text: str, start: int, size: int, overlap: int) -> int:
    rest = len(text) - start
    if rest <= size:
        return len(text)
    # The last two passages share what is left: a short rest would say little by itself.
    beyond = overlap + len(_PARAGRAPH) + 1
    limit = start + min(size, max(rest * 2 // 3, beyond))
    # Beyond the overlap and the white space after it, so that each passage adds something to the one before.
    least = start + max((limit - start) // 2 + 1, beyond)
    paragraph = text.rfind(_PARAGRAPH, least, limit)
    if paragraph > 0:
        return paragraph
    for boundary in (_SENTENCE, _WORD):
        ends = [match.end() for match in boundary.finditer(text, least - 1, limit + 1) if least <= match.end() <= limit]
        if ends:
            return ends[-1]
    return last_boundary(text, limit, least - 1)


def _next(text: str, start: int, end: int, overlap: int) -> int:
    """Where the passage after this one begins: within the overlap, at a paragraph, sentence, word or character."""
    least = max(end - overlap, start + 1)
    # Texts that are further apart than an empty line have no overlap.
    if least >= end or _skip(text, end) > end + len(_PARAGRAPH):
        return end
    for boundary in (_EMPTY_LINE, _SENTENCE, _WORD):
        for match in boundary.finditer(text, least, end):
            if _skip(text, match.end()) < end:
                return match.end()
    return first_boundary(text, least, end)


def _skip(text: str, at: int) -> int:
    """The first place from `at` that is not white space."""
    found = _BLACK.search(text, at)
    return found.start() if found else len(text)


def _trim(text: str, start: int, end: int) -> int:
    while end > start and text[end - 1].isspace():
        end -= 1
    return end
