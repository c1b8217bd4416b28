"""The names of the documents that an answer draws on."""

from __future__ import annotations

from ..events import Source
from ..messages import SourcePart


def source_title(source: Source) -> str:
    """A document and the place in it: `plan.pdf, page 3`."""
    return f"{source.name}, {source.place}" if source.place else source.name


def stored_source(part: SourcePart) -> Source:
    """The source of a stored part."""
    return Source(part["file_id"], part["name"], part["media_type"], part["place"])
