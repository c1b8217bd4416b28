"""East Asian encodings by their rows: in each, the common characters stand in rows of their own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from .partial import decode_sample

# Nats that a character costs, as in `alphabets`: kana, marks, common syllables and ideographs, others, strange ones.
_KANA, _MARK, _SYLLABLE, _IDEOGRAPH, _RARE, _STRANGE = 3.5, 4.0, 6.5, 7.0, 11.0, 14.0
_IN_ADVANCE = 2.0
_MARKS = re.compile("[，。、：；！？（）「」『』《》“”・～\u3000…—·【】]")
_KANA_LETTERS = re.compile("[\u3041-\u3096\u30a1-\u30fa\u30fc]")
_HALF_WIDTH_KANA = re.compile("[\uff61-\uff9f]")
_JAPANESE = ("cp932", "euc_jp")
_WIDE = ("utf-16-le", "utf-16-be")
# The first bytes of the common ideographs, or in Korean syllables.
_COMMON = {
    "cp932": (0x88, 0x98, _IDEOGRAPH),
    "euc_jp": (0xB0, 0xCF, _IDEOGRAPH),
    "gb18030": (0xB0, 0xD7, _IDEOGRAPH),
    "cp950": (0xA4, 0xC6, _IDEOGRAPH),
    "cp949": (0xB0, 0xC8, _SYLLABLE),
}
# Below it, cp949 has the syllables that hardly occur.
_KOREAN_TRAIL = 0xA1


def costs(sample: bytes) -> Iterator[tuple[str, float, float, int]]:
    """The encodings that the sample may be in: (name, cost in advance, of what is not ASCII, how many characters)."""
    for encoding in _COMMON:
        found = Counter(character for character in decode_sample(sample, encoding) if not character.isascii())
        cost = sum(number * _cost(character, encoding) for character, number in found.items())
        yield encoding, _IN_ADVANCE, cost, found.total()


def wide_costs(sample: bytes) -> Iterator[tuple[str, float, int]]:
    """What UTF-16 in either order costs: (name, cost of all characters, how many they are)."""
    for encoding in _WIDE:
        text = decode_sample(sample, encoding)
        yield encoding, sum(number * _wide_cost(character) for character, number in Counter(text).items()), len(text)


def _wide_cost(character: str) -> float:
    """What a character costs in the encoding that has it among its common ones."""
    return min((_cost(character, encoding) for encoding in _COMMON if _has(encoding, character)), default=_STRANGE)


def _has(encoding: str, character: str) -> bool:
    try:
        return len(character.encode(encoding)) > 1
    except UnicodeEncodeError:
        return False


def _cost(character: str, encoding: str) -> float:
    if character == "\ufffd":
        return _STRANGE
    if _MARKS.match(character):
        return _MARK
    if _KANA_LETTERS.match(character):
        return _KANA if encoding in _JAPANESE else _STRANGE
    if _HALF_WIDTH_KANA.match(character):
        return _SYLLABLE
    first, last, cost = _COMMON[encoding]
    lead, trail = (character.encode(encoding) + b"\0")[:2]
    if first <= lead <= last and (encoding != "cp949" or trail >= _KOREAN_TRAIL):
        return cost
    return _RARE if character.isalpha() else _STRANGE
