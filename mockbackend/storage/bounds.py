"""The numbers that every engine takes: one beyond them asks for as much as the last of them."""

from __future__ import annotations

LARGEST = 2**63 - 1
# No history is that long.
MOST_MESSAGES = 2**30


def bounded(number: int, least: int = 0, most: int = LARGEST) -> int:
    """The number, or the end of the range beyond which it lies."""
    return max(least, min(number, most))
