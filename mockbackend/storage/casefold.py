"""Titles and messages as engines store them for search: no database knows the case of all of Unicode."""

from __future__ import annotations


def casefold(text: str) -> str:
    """The text in one case. A NUL becomes U+FFFD: pattern matching stops at it, or refuses it."""
    return text.casefold().replace("\0", "\ufffd")
