"""A little space kept back: on a full disk a deletion needs some before it can give any."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from ..values import DiskFull
from .sqlite import storage_errors

RESERVE_BYTES = 256 * 1024
T = TypeVar("T")


class Reserve:
    """The file `reserve` in the data folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "reserve"

    def fill(self) -> None:
        """Make the file if it is missing and there is room for it."""
        if self._path.exists() and self._path.stat().st_size == RESERVE_BYTES:
            return
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
            finally:
                os.close(descriptor)
        except OSError:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    async def spend(self, deletion: Callable[[], Awaitable[T]]) -> T:
        """Run a deletion; if the disk is full, once more without the reserve."""
        try:
            return await deletion()
        except DiskFull:
            if not self._path.exists():
                raise
            with storage_errors():
                await asyncio.to_thread(self._path.unlink, missing_ok=True)
            return await deletion()
