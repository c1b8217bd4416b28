"""Blocks of a document into passages of a size that a model reads and an index ranks well.

A passage never crosses a place or a heading. Within them it ends at a paragraph where one ends in its second half,
else at a sentence, else at a word, else anywhere between two characters as people see them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import groupby

from ..storage.passages import Passage

# The end of a sentence: western marks need white space after them, those of Chinese and Japanese do not.
_SENTENCE = re.compile(r"[.!?…؟।][\"'”’»)\]]{0,3}(?=\s)|[。！？｡](?![。！？｡])[」』”’）】》]*")
# Words end at white space, and at the commas of scripts that write no spaces.
_WORD = re.compile(r"\s+|[、，；：]+")
_EMPTY_LINE = re.compile(r"\n\n")
_BLACK = re.compile(r"\S")
_PARAGRAPH = "\n\n"
JOINER = "\u200d"
# A character made of more codepoints than this is a prank.
LONGEST_CLUSTER = 64
# Two of these letters make a flag, so that what a pair is shows only from the beginning of their row.
_FLAG_LETTERS = "".join(map(chr, range(0x1F1E6, 0x1F200)))
FLAG_LETTERS_AT_ONCE = 2_000


def split(blocks: Iterable[Passage], size: int, overlap: int) -> list[Passage]:
    """Passages of at most `size` characters; neighbours of one place and heading share up to `overlap` of them.

    `overlap` is at most half of `size`. Time is linear in the text.
    """
    passages: list[Passage] = []
    for (place, heading), group in groupby(blocks, lambda block: (block.place, block.heading)):
        text = _PARAGRAPH.join(block.text for block in group)
        passages += [
            Passage(text[start:end], place, heading) for start, end in _stretches(text.rstrip(), size, overlap)
        ]
    return passages


def whole_cluster(text: str, at: int, after: int) -> int:
    """The nearest place up to `at` that cuts no character as people see it; `at` where none is close, after `after`."""
    for place in range(at, max(after, at - LONGEST_CLUSTER), -1):
        if not _is_inside(text, place):
            return place
    return at


def _stretches(text: str, size: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Where each passage begins and ends; none begins or ends with white space."""
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
    # The last two passages share what is left: a scrap at the end would say nothing by itself.
    beyond = overlap + len(_PARAGRAPH) + 1
    limit = start + min(size, max(rest * 2 // 3, beyond))
    # Beyond the overlap and the white space after it, so that each passage says more than the one before.
    least = start + max((limit - start) // 2 + 1, beyond)
    paragraph = text.rfind(_PARAGRAPH, least, limit)
    if paragraph > 0:
        return paragraph
    for boundary in (_SENTENCE, _WORD):
        ends = [match.end() for match in boundary.finditer(text, least - 1, limit + 1) if least <= match.end() <= limit]
        if ends:
            return ends[-1]
    return whole_cluster(text, limit, least - 1)


def _next(text: str, start: int, end: int, overlap: int) -> int:
    """Where the passage after `start` to `end` begins: in the overlap, at a paragraph, sentence, word or character."""
    least = max(end - overlap, start + 1)
    # What stands apart by more than an empty line has nothing in common.
    if least >= end or _skip(text, end) > end + len(_PARAGRAPH):
        return end
    for boundary in (_EMPTY_LINE, _SENTENCE, _WORD):
        for match in boundary.finditer(text, least, end):
            if _skip(text, match.end()) < end:
                return match.end()
    whole = (place for place in range(least, min(end, least + LONGEST_CLUSTER)) if not _is_inside(text, place))
    return next(whole, end)


def _skip(text: str, at: int) -> int:
    """The first place from `at` that is not white space."""
    found = _BLACK.search(text, at)
    return found.start() if found else len(text)


def _trim(text: str, start: int, end: int) -> int:
    while end > start and text[end - 1].isspace():
        end -= 1
    return end


def _is_inside(text: str, at: int) -> bool:
    """Whether `at` stands within a character as people see it: between a letter and its accents, inside an emoji."""
    if not 0 < at < len(text):
        return False
    before, character = text[at - 1], text[at]
    if character == JOINER or (before == JOINER and not character.isspace()):
        return True
    if unicodedata.category(character)[0] == "M" or character in "ำຳ" or "\U0001f3fb" <= character <= "\U0001f3ff":
        return not before.isspace()
    # Vowels and final consonants of Korean in pieces.
    if "\u1160" <= character <= "\u11ff":
        return "\u1100" <= before <= "\u11ff"
    if character in _FLAG_LETTERS and before in _FLAG_LETTERS:
        letters = text[max(at - FLAG_LETTERS_AT_ONCE, 0) : at]
        return (len(letters) - len(letters.rstrip(_FLAG_LETTERS))) % 2 == 1
    return before == "\r" and character == "\n"
