"""A blob that is being written: in order, hashed as it goes, and off the event loop."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine
from io import FileIO
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


class Blob:
    """The blob at `path`, where nothing may be yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._digest = hashlib.sha256()
        self._file: FileIO | None = None

    @property
    def name(self) -> str:
        """Its name in the folder."""
        return self._path.name

    @property
    def digest(self) -> bytes:
        """SHA-256 of what was written."""
        return self._digest.digest()

    async def write(self, data: bytes) -> None:
        """Append; OSError where the disk does not take it."""
        await whole(asyncio.to_thread(self._write, data))

    async def close(self) -> None:
        """No more comes; also of nothing at all it is a file then."""
        await whole(asyncio.to_thread(self._close))

    async def remove(self) -> None:
        """Nothing of it is left."""
        await whole(asyncio.to_thread(self._remove))

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


async def whole(work: Coroutine[Any, Any, T]) -> T:
    """Do it to its end, also when its waiter is cancelled: a thread and a statement go on anyway."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
