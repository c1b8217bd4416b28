"""Text analysis: the words that are searched, the same for every analyser that a field may name."""

import re
import unicodedata
from collections.abc import Iterator

CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
RUN = re.compile(rf"[{CJK}]+|[^\W{CJK}]+")
ACCENTS = re.compile("[\u0300-\u036f]")
CJK_CHARACTER = re.compile(rf"[{CJK}]")


def terms(text: str) -> list[str]:
    """Split text into words without case and accents; Chinese, Japanese and Korean into pairs of characters."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    bare = unicodedata.normalize("NFC", ACCENTS.sub("", plain))
    return [term for run in RUN.findall(bare) for term in _split_run(run)]


def _split_run(run: str) -> Iterator[str]:
    if len(run) == 1 or not CJK_CHARACTER.match(run):
        yield run
    else:
        yield from (run[at : at + 2] for at in range(len(run) - 1))
