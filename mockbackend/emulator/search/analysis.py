"""Texts as the words that are searched: one analysis for all analysers that a field may name."""

import re
import unicodedata
from collections.abc import Iterator

CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
RUN = re.compile(rf"[{CJK}]+|[^\W{CJK}]+")
ACCENTS = re.compile("[\u0300-\u036f]")
IS_CJK = re.compile(rf"[{CJK}]")


def terms(text: str) -> list[str]:
    """Words without case and accents, in order; Chinese, Japanese and Korean as pairs of neighbouring characters."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    folded = unicodedata.normalize("NFC", ACCENTS.sub("", plain))
    return [term for run in RUN.findall(folded) for term in _split(run)]


def _split(run: str) -> Iterator[str]:
    if len(run) == 1 or not IS_CJK.match(run):
        yield run
    else:
        yield from (run[at : at + 2] for at in range(len(run) - 1))
