"""What a search finds."""

from __future__ import annotations

from dataclasses import dataclass

from ...storage.passages import Passage


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A passage that answers a query, and the id of its file. Better passages have higher scores."""

    file_id: str
    passage: Passage
    score: float
