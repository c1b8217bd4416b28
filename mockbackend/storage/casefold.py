"""The form of titles and messages in which engines store and search them; none leaves it to its database."""

from __future__ import annotations


def casefold(text: str) -> str:
    """The text in one case, over all of Unicode. Where a NUL stands, pattern matching would stop: it is replaced."""
    return text.casefold().replace("\0", "\ufffd")
