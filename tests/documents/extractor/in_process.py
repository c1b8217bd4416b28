"""Reading a document in the process of the tests, which costs a tenth of one of its own."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import orjson
import pytest

from mockbackend.documents.errors import Unreadable
from mockbackend.documents.extractor.__main__ import read as read_document
from mockbackend.documents.extractor.limits import Limits
from mockbackend.documents.extractor.output import Output
from mockbackend.documents.formats import FORMATS
from mockbackend.storage.passages import Passage

LIMITS = Limits(seconds=30, memory_bytes=1 << 30, pages=1000, characters=1_000_000)


def read(path: Path, kind: str, limits: Limits = LIMITS) -> list[Passage]:
    """The blocks of a document. Raises Unreadable."""
    return read_with_notice(path, kind, limits)[0]


def read_text(folder: Path, kind: str, content: str | bytes) -> list[Passage]:
    """The blocks of a document of this content."""
    path = folder / "file"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read(path, kind)


def refusal(path: Path, kind: str, limits: Limits = LIMITS) -> str:
    """The words with which a reader refuses a file."""
    with pytest.raises(Unreadable) as refused:
        read(path, kind, limits)
    return str(refused.value)


def read_with_notice(path: Path, kind: str, limits: Limits = LIMITS) -> tuple[list[Passage], str]:
    """The blocks of a document, and what was left out. Raises Unreadable."""
    stream = BytesIO()
    read_document(FORMATS[kind], str(path), Output(stream, limits.characters), limits)
    *blocks, end = map(orjson.loads, stream.getvalue().splitlines())
    if "failed" in end:
        raise Unreadable(end["failed"])
    return [Passage(block["text"], block["place"], block["heading"]) for block in blocks], end["notice"]
