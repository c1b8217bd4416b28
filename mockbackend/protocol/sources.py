"""How the documents that an answer draws on are named."""

from __future__ import annotations

from ..events import Source
from ..messages import SourcePart


def source_id(source: Source) -> str:
    """One id for each place of a document, the same whenever it is named."""
    return f"{source.file_id}#{source.place}" if source.place else source.file_id


def title(source: Source) -> str:
    """A document and the place in it, for people: `plan.pdf, page 3`."""
    return f"{source.name}, {source.place}" if source.place else source.name


def stored_source(part: SourcePart) -> Source:
    """The source that a stored part is."""
    return Source(part["file_id"], part["name"], part["media_type"], part["place"])
