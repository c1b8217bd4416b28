"""Blobs on disk: a new one, hashed as it is written, and a stored one. The event loop never waits for the disk."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from io import FileIO
from pathlib import Path
from typing import Any, TypeVar

from ...bounds import bounded

PIECE_BYTES = 256 * 1024
T = TypeVar("T")


class NewBlob:
    """A new blob at `path`, where no file may exist yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._digest = hashlib.sha256()
        self._file: FileIO | None = None

    @property
    def name(self) -> str:
        """The file name in the folder."""
        return self._path.name

    @property
    def digest(self) -> bytes:
        """SHA-256 of the bytes written so far."""
        return self._digest.digest()

    async def write(self, data: bytes) -> None:
        """Append `data`. Raises OSError when the disk is full or broken."""
        await shielded(asyncio.to_thread(self._write, data))

    async def close(self) -> None:
        """Finish writing. A blob without any bytes becomes an empty file."""
        await shielded(asyncio.to_thread(self._close))

    async def remove(self) -> None:
        """Delete the file."""
        await shielded(asyncio.to_thread(self._remove))

    def _write(self, data: bytes) -> None:
        self._digest.update(data)
        file, rest = self._open(), memoryview(data)
        while rest:
            rest = rest[file.write(rest) :]

    def _close(self) -> None:
        self._open().close()

    def _remove(self) -> None:
        if self._file is not None:
            self._file.close()
        self._path.unlink(missing_ok=True)

    def _open(self) -> FileIO:
        if self._file is None:
            self._file = FileIO(self._path, "xb")
        return self._file


class StoredBlob:
    """The contract's Blob: a file that nobody changes."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self.size = size

    async def pieces(self, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        start = bounded(start, most=self.size)
        left = (self.size if end is None else bounded(end, most=self.size)) - start
        file = await shielded(asyncio.to_thread(self._path.open, "rb"))
        try:
            await shielded(asyncio.to_thread(file.seek, start))
            while left > 0 and (piece := await shielded(asyncio.to_thread(file.read, min(left, PIECE_BYTES)))):
                left -= len(piece)
                yield piece
        finally:
            await shielded(asyncio.to_thread(file.close))

    @asynccontextmanager
    async def local_file(self) -> AsyncIterator[Path]:
        yield self._path


async def shielded(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end, even if the caller is cancelled: a thread or a statement cannot be interrupted anyway."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
