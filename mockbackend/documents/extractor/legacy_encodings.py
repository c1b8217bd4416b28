"""The encodings from before Unicode, found from the bytes: the one in which they are most likely a language's text."""

from __future__ import annotations

import re

from . import alphabets, east_asian
from .partial import SAMPLE

# In the right encoding a letter costs 2 to 4 nats on average, and a sign 4.5. In a wrong one they cost more than 5.
_LETTER, _IDEOGRAPH = 4.8, 9.0
# So little only text with kana costs.
_KANA = 6.0
_BEFORE = 64
_HIGH = re.compile(rb"[\x80-\xff]")
# These are in no text. The end of a file in DOS is.
_CONTROL = re.compile(rb"[\x01-\x08\x0b\x0e-\x19\x1c-\x1f\x7f]")
_CONTROL_SHARE = 0.005


def legacy_encoding(data: bytes) -> str | None:
    """The encoding of bytes that are neither ASCII nor UTF-8. None if no encoding fits well."""
    # East Asian text without blanks and digits has no NULs in UTF-16.
    each, pairs = min(
        (cost / max(count, 1), encoding) for encoding, cost, count in east_asian.wide_costs(data[:SAMPLE])
    )
    if each <= _KANA:
        return pairs
    return _of_bytes(_sample(data)) or (pairs if each <= _IDEOGRAPH else None)


def _of_bytes(sample: bytes) -> str | None:
    if len(_CONTROL.findall(sample)) > _CONTROL_SHARE * len(sample):
        return None
    best, least, each, limit = None, float("inf"), 0.0, 0.0
    for share, found in ((_LETTER, alphabets.costs(sample)), (_IDEOGRAPH, east_asian.costs(sample))):
        for encoding, in_advance, cost, count in found:
            if in_advance + cost < least:
                best, least, each, limit = encoding, in_advance + cost, cost / max(count, 1), share
    return best if each <= limit else None


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
