"""Places in a text that cut no character as people see it, such as a letter with its accents or a joined emoji."""

from __future__ import annotations

import unicodedata

JOINER = "\u200d"
# A character made of more codepoints than this is a prank.
LONGEST = 64
# Two of these letters make a flag, so what a pair is can be seen only from the beginning of their row.
_FLAG_LETTERS = "".join(map(chr, range(0x1F1E6, 0x1F200)))
MAX_FLAG_LETTERS = 2_000


def last_boundary(text: str, at: int, after: int) -> int:
    """The nearest boundary up to `at`, beyond `after`; `at` if none is near."""
    for place in range(at, max(after, at - LONGEST), -1):
        if not _is_inside(text, place):
            return place
    return at


def first_boundary(text: str, at: int, before: int) -> int:
    """The nearest boundary from `at` on, in front of `before`; `before` if none is near."""
    for place in range(at, min(before, at + LONGEST)):
        if not _is_inside(text, place):
            return place
    return before


def _is_inside(text: str, at: int) -> bool:
    """Whether `at` lies within a character as people see it."""
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
        letters = text[max(at - MAX_FLAG_LETTERS, 0) : at]
        return (len(letters) - len(letters.rstrip(_FLAG_LETTERS))) % 2 == 1
    return before == "\r" and character == "\n"
