"""The encodings from before Unicode, found from the bytes: the one in which they are most likely a language's text."""

from __future__ import annotations

import re
from typing import NamedTuple

from . import alphabets, east_asian
from .partial import SAMPLE, decode_sample

# In the right encoding a letter costs 2 to 4 nats on average, and a sign 4.5. In a wrong one they cost more than 5.
_LETTER, _IDEOGRAPH = 4.8, 9.0
# So little only text with kana costs.
_KANA = 6.0
# By how many nats a text has to be likelier than any other, or it may as well be that.
_DOUBT = 4.0
_BEFORE = 64
_HIGH = re.compile(rb"[\x80-\xff]")
# These are in no text. The end of a file in DOS is.
_CONTROL = re.compile(rb"[\x01-\x08\x0b\x0e-\x19\x1c-\x1f\x7f]")
_CONTROL_SHARE = 0.005


class Guess(NamedTuple):
    """An encoding; whether in another one the bytes are about as likely to be a text, which is not the same."""

    encoding: str
    is_doubtful: bool = False


def guess(data: bytes) -> Guess | None:
    """The encoding of bytes that are neither ASCII nor UTF-8. None if no encoding fits well."""
    # East Asian text without blanks and digits has no NULs in UTF-16.
    each, pairs = min(
        (cost / max(count, 1), encoding) for encoding, cost, count in east_asian.wide_costs(data[:SAMPLE])
    )
    if each <= _KANA:
        return Guess(pairs)
    return _of_bytes(_sample(data)) or (Guess(pairs) if each <= _IDEOGRAPH else None)


def _of_bytes(sample: bytes) -> Guess | None:
    if len(_CONTROL.findall(sample)) > _CONTROL_SHARE * len(sample):
        return None
    found = sorted(
        (in_advance + cost, encoding, cost / max(count, 1) <= limit)
        for limit, costs in ((_LETTER, alphabets.costs(sample)), (_IDEOGRAPH, east_asian.costs(sample)))
        for encoding, in_advance, cost, count in costs
    )
    (least, best, fits), *others = found
    if not fits:
        return None
    text = decode_sample(sample, best)
    near = (encoding for cost, encoding, _ in others if cost - least < _DOUBT)
    return Guess(best, any(decode_sample(sample, encoding) != text for encoding in near))


def _sample(data: bytes) -> bytes:
    """Lines that are not all ASCII, from as far into the data as they are. Only the last may end within a character."""
    lines: list[bytes] = []
    left, at = SAMPLE, 0
    while left > 0 and (high := _HIGH.search(data, at)):
        start = max(data.rfind(b"\n", at, high.start()) + 1, high.start() - _BEFORE, at)
        at = data.find(b"\n", high.start()) + 1 or len(data)
        lines.append(data[start : min(at, start + left)])
        left -= len(lines[-1])
    return b"".join(lines)
