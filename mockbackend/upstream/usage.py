"""Token counts as the model API reports them."""

from __future__ import annotations


def tokens(value: object) -> int:
    """A token count; 0 for None. Raises TypeError if it is not one that JSON can hold again."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        raise TypeError("a token count must be a number from 0 to 2**53")
    return int(value)
