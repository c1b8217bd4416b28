"""What a document says, read as the service reads it."""

from __future__ import annotations

from pathlib import Path

from mockbackend.documents.extraction import Limits, extract
from mockbackend.documents.formats import FORMATS
from mockbackend.storage.passages import Passage

LIMITS = Limits(seconds=30, memory_bytes=1 << 30, pages=1000, characters=1_000_000)


async def read(path: Path, kind: str) -> list[Passage]:
    return (await extract(path, FORMATS[kind], LIMITS)).blocks


async def read_text(folder: Path, kind: str, content: str | bytes) -> list[Passage]:
    path = folder / "file"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return await read(path, kind)
