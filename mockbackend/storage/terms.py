"""The terms by which a text is found: its words, case-folded, without accents and common English endings.

Scripts without spaces between words are cut into pairs of neighbouring characters. Removing the endings finds 49 of 100
section headings among the first five results, instead of 43 (bench/retrieval.py, words alone).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from .passages import Passage

LONGEST = 64
# What questions have and what says nothing of their subject, in four languages. Not among them are words that mean
# something in another of them, such as "die" and "was".
# fmt: off
STOP_WORDS = frozenset((
    "a", "aber", "about", "al", "am", "an", "and", "any", "are", "as", "at", "au", "auch", "auf", "aus", "aux",
    "avec", "be", "been", "bei", "but", "by", "can", "ce", "ces", "cette", "como", "con", "could", "cual", "cuando",
    "dans", "das", "dass", "de", "del", "dem", "den", "der", "des", "did", "do", "does", "doing", "du", "ein", "eine",
    "einem", "einen", "einer", "eines", "el", "elle", "en", "es", "est", "esta", "este", "et", "for", "from", "get",
    "had", "has", "have", "having", "he", "her", "him", "his", "how", "i", "if", "il", "ils", "in", "into", "is",
    "ist", "it", "its", "je", "la", "las", "le", "les", "leur", "los", "mais", "me", "mit", "my", "nach", "oder",
    "of", "on", "or", "ou", "our", "par", "para", "pas", "pero", "por", "pourquoi", "qu", "que", "quel", "quelle",
    "qui", "se", "she", "should", "sich", "sin", "sind", "so", "sobre", "some", "sont", "such", "sur", "than", "that",
    "the", "their", "them", "then", "there", "these", "they", "this", "those", "to", "too", "un", "una", "und", "une",
    "us", "very", "vom", "von", "vous", "warum", "we", "welche", "wenn", "were", "what", "when", "where", "which",
    "while", "who", "whom", "whose", "why", "wie", "will", "wird", "with", "wo", "would", "y", "you", "your", "zum",
    "zur", "über",
))
# fmt: on
# Thai, Lao, Burmese, Khmer, kana, ideographs, Hangul.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
# Signs within Hebrew, Arabic and Indic words that are no letters to `re`.
SIGNS = "\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff"
EMOJI = "\u2600-\u27bf\U0001f300-\U0001faff"
ACCENTS = re.compile("[\u0300-\u036f]+")
PLAIN = re.compile("[a-z0-9]+")
RUNS = re.compile(rf"([{UNSPACED}]+)|((?:[^\W_{UNSPACED}]|[{SIGNS}])+)|([{EMOJI}])")


def terms(text: str) -> Iterator[str]:
    """The terms by which a text is indexed, as often as they occur. They consist of letters and digits only."""
    for run, unspaced in _runs(text):
        if unspaced:
            yield from (run[start : start + 2] for start in range(len(run)))
        else:
            yield _stem(run)


def passage_terms(passage: Passage, name: str) -> Counter[str]:
    """The terms of a passage, each with how often it counts: those of headings and of the file's name once."""
    counted = Counter(terms(passage.text))
    counted.update(set(terms(f"{passage.heading}\n{name}")))
    return counted


def query_terms(text: str) -> Iterator[tuple[str, bool]]:
    """The terms of a query, each with whether it stands for all terms that begin with it.

    Stop words are left out, unless there is nothing else.
    """
    runs = list(_runs(text))
    for run, unspaced in [one for one in runs if one[0] not in STOP_WORDS] or runs:
        if not unspaced:
            yield _stem(run), False
        elif len(run) == 1:
            # In an indexed text a character begins a pair, or stands alone at the end of its run.
            yield run, True
        else:
            yield from ((run[start : start + 2], False) for start in range(len(run) - 1))


def _runs(text: str) -> Iterator[tuple[str, bool]]:
    if text.isascii():
        yield from ((word, False) for word in PLAIN.findall(text.lower()))
        return
    folded = unicodedata.normalize("NFKD", text.casefold())
    for unspaced, word, emoji in RUNS.findall(unicodedata.normalize("NFC", ACCENTS.sub("", folded))):
        yield unspaced or word or emoji, bool(unspaced)


def _stem(word: str) -> str:
    """The word without its ending: the same for `policies` and `policy`, `mounted` and `mounting`, `uses` and `use`."""
    word = word[:LONGEST]
    if len(word) < 4 or not word.isascii():
        return word
    if word.endswith("ies"):
        word = word[:-3] + "y"
    elif word.endswith(("ses", "xes", "zes", "hes")):
        word = word[:-2]
    elif word.endswith("s") and word[-2] not in "us":
        word = word[:-1]
    for ending in ("ing", "ed"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) > 2 and any(letter in "aeiouy" for letter in stem):
            return stem[:-1] if stem[-1] == stem[-2] and stem[-1] not in "lsz" else stem
    return word[:-1] if len(word) > 3 and word.endswith("e") else word
