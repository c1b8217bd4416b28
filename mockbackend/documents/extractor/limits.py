"""Limits on reading one document."""

from __future__ import annotations

from dataclasses import dataclass

# The code of the XML library's error for memory that it did not get.
XML_ERR_NO_MEMORY = 2


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes that the process may use; pages (or slides, or sheets) and characters that it may return."""

    seconds: float
    memory_bytes: int
    pages: int
    characters: int
