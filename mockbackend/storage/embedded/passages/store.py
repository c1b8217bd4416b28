"""The store of passages, over one database."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ...bounds import bounded
from ...passages import MAX_POSITION, Passage
from . import models, postings, publishing, staging
from .snapshot import Snapshot
from .thread import DatabaseThread

if TYPE_CHECKING:
    from ...signs import Vector

T = TypeVar("T")


class Passages:
    """The contract's Passages. Reading a snapshot has a connection of its own, so that a search waits for no indexing.

    What takes many rows is done in transactions of a few hundred, so that other writers hardly wait.
    """

    def __init__(self, path: Path) -> None:
        """Open a database that `prepare` has made."""
        self._thread = DatabaseThread(path, "passages")
        self._snapshots = DatabaseThread(path, "passage-snapshots")

    async def stage(self, file_id: str, userid: str, passages: Sequence[Passage]) -> None:
        while (number := await self._thread.write(staging.begin, file_id, userid)) is None:
            await self.forget(file_id)
        for start in range(0, len(passages), staging.BATCH_ROWS):
            if not await self._thread.write(staging.add, number, start, passages[start : start + staging.BATCH_ROWS]):
                return
        lengths = array("I", (len(passage.text) for passage in passages))
        await self._thread.write(staging.end, number, lengths)

    async def count(self, file_id: str) -> tuple[int, int] | None:
        row = await self._thread.read(staging.staged, file_id)
        return (row[2], row[1]) if row else None

    async def embed_with(self, file_id: str, model: str) -> None:
        await self._thread.write(models.embed_with, file_id, model)

    async def adopt(self, model: str) -> None:
        await self._thread.write(models.adopt, model)

    async def outdated(self, model: str) -> int:
        return await self._thread.read(models.outdated, model)

    async def next_outdated(self, model: str) -> tuple[str, str] | None:
        return await self._thread.write(models.next_outdated, model)

    async def unfinished(self, model: str) -> list[tuple[str, str]]:
        return await self._thread.read(models.unfinished, model)

    async def model(self, file_id: str) -> str | None:
        return await self._thread.read(models.model_of, file_id)

    async def pending(self, file_id: str, limit: int, after: int = -1) -> list[tuple[int, Passage]]:
        return await self._thread.read(staging.pending, file_id, bounded(limit), bounded(after, -1, MAX_POSITION))

    async def add_vectors(self, file_id: str, vectors: Sequence[tuple[int, Vector]]) -> None:
        await self._thread.write(staging.add_vectors, file_id, vectors)

    async def read(self, file_id: str, limit: int, after: int = -1) -> list[tuple[int, Passage, Vector | None]]:
        return await self._thread.read(staging.read, file_id, bounded(limit), bounded(after, -1, MAX_POSITION))

    async def publish(self, userid: str, file_id: str, name: str) -> None:
        number = await self._thread.write(publishing.begin, userid, file_id, name)
        if number is None:
            return
        # The rows are made outside the transaction that writes them, so that other writers hardly wait.
        while batch := await self._thread.read(postings.next_rows, number):
            await self._thread.write(postings.add, number, *batch)
        await self._thread.write(publishing.end, number)

    async def withdraw(self, userid: str, file_id: str) -> None:
        number = await self._thread.write(publishing.withdraw, userid, file_id)
        while number is not None and await self._thread.write(postings.remove, number):
            pass

    async def forget(self, file_id: str) -> None:
        number = await self._thread.write(staging.hide, file_id)
        if number is None:
            return
        while await self._thread.write(postings.remove, number):
            pass
        while await self._thread.write(staging.remove, number):
            pass

    async def read_snapshot(self, work: Callable[[Snapshot], T]) -> T:
        def run(connection: sqlite3.Connection) -> T:
            return work(Snapshot(connection))

        return await self._snapshots.read(run)

    async def close(self) -> None:
        """Close both connections once work in progress is done."""
        await self._thread.close()
        await self._snapshots.close()
