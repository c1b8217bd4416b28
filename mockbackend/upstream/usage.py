"""What the model API counts."""

from __future__ import annotations


def tokens(value: object) -> int:
    """A number of tokens, such as JSON can hold again; 0 for None. Raises TypeError where it is none."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        raise TypeError("its number of tokens is none")
    return int(value)
