"""Writing a blob: in order, hashed on the way, and off the event loop."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine
from io import FileIO
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


class Blob:
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


async def shielded(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end, even if the caller is cancelled: a thread or a statement cannot be interrupted anyway."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
