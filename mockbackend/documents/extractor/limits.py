"""Limits on reading one document."""

from __future__ import annotations

from typing import NamedTuple

# The code of the XML library's error for memory that it did not get.
XML_ERR_NO_MEMORY = 2


class Limits(NamedTuple):
    """Seconds and bytes that the process may use; pages (or slides, or sheets) and characters that it may return."""

    seconds: float
    memory_bytes: int
    pages: int
    characters: int
