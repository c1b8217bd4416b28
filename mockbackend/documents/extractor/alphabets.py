"""Languages by their letters, to tell which encoding of one byte a character a text is in.

In a wrong encoding a text has letters that no language has, or the rare ones of a language as often as the common ones.
charset-normalizer judges all letters, which leaves too few that differ: it misread a third of short Latin texts.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from .languages import (
    ARABIC,
    BALTIC,
    CENTRAL,
    CYRILLIC,
    GREEK,
    HEBREW,
    THAI,
    TURKISH,
    VIETNAMESE,
    WESTERN,
    Language,
)
from .partial import decode_sample

# The candidates, those first that most files are in. Others cost something in advance: it takes more to show them.
_ENCODINGS = (
    (0.0, ("cp1252", WESTERN), ("cp1251", CYRILLIC), ("cp1253", GREEK), ("cp1255", HEBREW), ("cp1256", ARABIC)),
    (0.0, ("cp874", THAI)),
    (1.0, ("cp1250", CENTRAL), ("cp1254", TURKISH), ("cp1257", BALTIC), ("cp1258", VIETNAMESE)),
    (2.0, ("koi8-r", CYRILLIC), ("iso8859-15", WESTERN), ("iso8859-2", CENTRAL), ("iso8859-9", TURKISH)),
    (2.0, ("iso8859-7", GREEK), ("iso8859-5", CYRILLIC), ("iso8859-8", HEBREW), ("iso8859-6", ARABIC)),
    (3.0, ("koi8-u", CYRILLIC), ("iso8859-13", BALTIC), ("cp866", CYRILLIC), ("mac_cyrillic", CYRILLIC)),
    (4.0, ("mac_roman", WESTERN), ("mac_latin2", CENTRAL), ("mac_greek", GREEK), ("mac_turkish", TURKISH)),
    (4.0, ("cp850", WESTERN), ("cp852", CENTRAL), ("cp737", GREEK), ("cp857", TURKISH), ("cp862", HEBREW)),
)
# Signs that texts of any language have, and those that stand within words.
_QUOTATION = "\u00a0’“”‘„«»–—…"
_SIGNS = f"{_QUOTATION}•°§€£©®™·×±½²³´¿¡ºª№"
_WITHIN_WORDS = "’‘·\u00ad–"
# At the beginning of a word, and at its end. In Latin letters an apostrophe is written so as well.
_OPENING = re.compile(r"(?<![^\W_])[«»„“”‘’](?=[^\W\d_])")
_CLOSING = re.compile(r"(?<=\S)[«»„“”‘’](?!\w)")
# Words of one letter.
_WORDS = "àÀáéÉèÈóòôåÅöÖæøªº"
_LATIN = frozenset("éáäłıāšđ")
# Nats that a character costs which is no letter of the language, a sign, a quotation mark; what place and case add.
_FOREIGN, _SIGN, _QUOTE, _MISPLACED, _CAPITAL = 9.0, 4.5, 2.5, 6.0, 0.7
# What a common word of the language gives back, and up to how many do.
_WORD_GAIN, _MOST_WORDS = 1.5, 6
# Words of ASCII alone.
_ASCII_WORD = re.compile(rb"(?<![A-Za-z\x80-\xff])[A-Za-z]{2,}(?![A-Za-z\x80-\xff])")
_NOT_ASCII = re.compile(r"(?<=(.))([^\x00-\x7f])(?=(.))", re.DOTALL)


def costs(sample: bytes) -> Iterator[tuple[str, float, float, int]]:
    """The encodings that a sample may be in: (name, cost in advance, of what is not ASCII, how many characters)."""
    words = frozenset(word.decode().lower() for word in _ASCII_WORD.findall(sample))
    for in_advance, *encodings in _ENCODINGS:
        for encoding, languages in encodings:
            cost, gain, count = _cost(f" {decode_sample(sample, encoding)} ", languages, words)
            yield encoding, in_advance - gain, cost, count


def _cost(text: str, languages: tuple[Language, ...], words: frozenset[str]) -> tuple[float, float, int]:
    """Of the language that fits best: what its characters cost and its words gain, and how many are not ASCII."""
    is_latin = not _LATIN.isdisjoint(languages[0].letters)
    counted = _counted(text, is_latin)
    fixed = sum(number * extra for (_, extra), number in counted.items())
    if not is_latin:
        # Capitals of another encoding look like quotation marks that nothing closes.
        fixed += _MISPLACED * max(0, len(_OPENING.findall(text)) - len(_CLOSING.findall(text)))
    of_languages: list[tuple[float, float]] = []
    for language in languages:
        # Frequencies fall about as their ranks rise.
        total = sum(1 / rank for rank in range(1, len(language.letters) + 1))
        of_letters = {letter: math.log(rank * total) for rank, letter in enumerate(language.letters, 1)}
        cost = sum(n * of_letters.get(character, _other(character, is_latin)) for (character, _), n in counted.items())
        of_languages.append((cost + fixed, _WORD_GAIN * min(_MOST_WORDS, len(words & language.words))))
    cost, gain = min(of_languages, key=lambda found: found[0] - found[1])
    return cost, gain, sum(counted.values())


def _other(character: str, is_latin: bool) -> float:
    """What a character costs that is no letter of the language. Other scripts have fewer quotation marks a letter."""
    if character in _QUOTATION:
        return _QUOTE if is_latin else _SIGN
    return _SIGN if character in _SIGNS else _FOREIGN


def _counted(text: str, is_latin: bool) -> Counter[tuple[str, float]]:
    """How often each character that is not ASCII comes, by what its case and its place add to its cost."""
    counted = Counter[tuple[str, float]]()
    # A text has few places that differ.
    for (before, character, after), number in Counter(_NOT_ASCII.findall(text)).items():
        counted[_placed(before, character, after, is_latin)] += number
    return counted


def _placed(before: str, character: str, after: str, is_latin: bool) -> tuple[str, float]:
    """A character in lower case, and what its case and its place add to its cost."""
    if unicodedata.combining(character):
        return character, 0.0 if before.isalpha() or unicodedata.combining(before) else _MISPLACED
    if not character.isalpha():
        within = before.isalpha() and after.isalpha() and character not in _WITHIN_WORDS
        return character, _MISPLACED if within and character in _SIGNS else 0.0
    # A capital within a word begins nothing, and a word is in one script.
    wrong = (before.islower() and character.isupper()) or (character.islower() and after.isupper())
    if is_latin and not before.isalpha() and not after.isalpha():
        wrong = character not in _WORDS
    if not is_latin:
        wrong = wrong or any(one.isascii() and one.isalpha() for one in (before, after))
    # The Turkish capital of i is two characters in lower case.
    return character.lower()[0], _MISPLACED if wrong else _CAPITAL if character.isupper() else 0.0
