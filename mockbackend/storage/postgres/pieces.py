"""The table `pieces`: the bytes of images and files, 256 kB in a row. They are read and written one by one."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ..bounds import bounded
from .database import Database, Statement

PIECE_BYTES = 256 * 1024


def cut(content: bytes) -> list[bytes]:
    """The pieces of this content; what is empty has one that is empty."""
    return [content[start : start + PIECE_BYTES] for start in range(0, len(content), PIECE_BYTES)] or [b""]


def insert_statement(blob_id: str, userid: str, first: int, pieces: list[bytes]) -> Statement:
    """What stores these pieces, from number `first` on."""
    return (
        """INSERT INTO pieces (blob_id, userid, number, data) SELECT %s, %s, %s + number - 1, data
        FROM unnest(%s::bytea[]) WITH ORDINALITY AS given (data, number) ON CONFLICT DO NOTHING""",
        *(blob_id, userid, first, pieces),
    )


class StoredBlob:
    """The contract's Blob."""

    def __init__(self, database: Database, blob_id: str, size: int) -> None:
        self._database = database
        self._blob_id = blob_id
        self.size = size

    async def pieces(self, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        start = bounded(start, most=self.size)
        end = self.size if end is None else bounded(end, most=self.size)
        for number in range(start // PIECE_BYTES, max(1, -(-end // PIECE_BYTES))):
            rows = await self._database.execute(
                "SELECT data FROM pieces WHERE blob_id = %s AND number = %s", self._blob_id, number
            )
            if not rows:
                raise FileNotFoundError(self._blob_id)
            first = number * PIECE_BYTES
            if piece := rows[0][0][max(0, start - first) : max(0, end - first)]:
                yield piece

    @asynccontextmanager
    async def local_file(self) -> AsyncIterator[Path]:
        with tempfile.TemporaryDirectory(prefix="mockbackend-") as folder:
            path = Path(folder) / "content"
            with path.open("wb") as file:
                async for piece in self.pieces():
                    await asyncio.to_thread(file.write, piece)
            yield path
