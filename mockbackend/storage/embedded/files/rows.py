"""What the rows of files have in common."""

from __future__ import annotations

# The fields of File, in their order.
COLUMNS = "id, name, status, done, total, error, size, media_type, created_at"


def size_in_words(size: int) -> str:
    """A number of bytes as people write it, such as `50 MB`."""
    for unit, factor in (("GB", 2**30), ("MB", 2**20), ("kB", 2**10)):
        if size >= factor:
            return f"{size / factor:.4g} {unit}"
    return f"{size} bytes"
