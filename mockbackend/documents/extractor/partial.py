"""The beginning of a text, which shows its encoding."""

from __future__ import annotations

import codecs

SAMPLE = 1 << 12


def decode_sample(data: bytes, encoding: str) -> str:
    """The text in a sample, which may end within a character if it is SAMPLE long. What is invalid becomes U+FFFD."""
    return codecs.getincrementaldecoder(encoding)("replace").decode(data, final=len(data) < SAMPLE)
