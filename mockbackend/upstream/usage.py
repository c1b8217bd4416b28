"""Token counts as the model API reports them."""

from __future__ import annotations


def tokens(value: object) -> int:
    """A token count; 0 for what is not one that JSON can hold again: an answer is worth more than its count."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        return 0
    return int(value)
