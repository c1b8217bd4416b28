"""What is read out of documents, and what is found in them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a document's text, with where it stands.

    `place` is in words for people (`page 3`, `slide 2`, `sheet Sales`; empty where the format has no such thing),
    `heading` the headings above it, outermost first, joined by ` > `.
    """

    text: str
    place: str = ""
    heading: str = ""

    @property
    def with_heading(self) -> str:
        """What is embedded and searched: the passage under its headings."""
        return f"{self.heading}\n{self.text}" if self.heading else self.text


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A passage that answers a query, and the file it is of; the best have the highest scores."""

    file_id: str
    passage: Passage
    score: float
