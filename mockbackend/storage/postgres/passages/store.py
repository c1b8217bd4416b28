"""The store of passages."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from ...bounds import bounded
from ...passages import MAX_POSITION, Passage
from ..database import Database
from . import publishing, staging, vectors
from .snapshot import Snapshot
from .thread import SnapshotThread

if TYPE_CHECKING:
    from ...signs import Vector

T = TypeVar("T")
Staged = tuple[int, int, int]


class Passages:
    """The contract's Passages. Snapshots are read over a connection of their own, which opens with the first search."""

    def __init__(self, database: Database, url: str) -> None:
        self._database = database
        self._snapshots = SnapshotThread(url)

    async def stage(self, file_id: str, userid: str, passages: Sequence[Passage]) -> None:
        await self.forget(file_id)
        *_, rows = await self._database.batch(*staging.begin(file_id, userid))
        if not rows:
            # Staged by another process at the same moment.
            return
        number = rows[0][0]
        for start in range(0, len(passages), staging.BATCH_ROWS):
            batch = passages[start : start + staging.BATCH_ROWS]
            await self._database.execute(*staging.add(number, start, batch))
        lengths = array("I", (len(passage.text) for passage in passages))
        await self._database.execute(*staging.end(number, lengths))

    async def count(self, file_id: str) -> tuple[int, int] | None:
        rows = await self._database.execute(staging.COUNT, file_id)
        return (rows[0][0], rows[0][1]) if rows else None

    async def embed_with(self, file_id: str, model: str) -> None:
        await self._database.transact(lambda execute: vectors.embed_with(execute, file_id, model))

    async def adopt(self, model: str) -> None:
        await self._database.execute(vectors.ADOPT, model)

    async def outdated(self, model: str) -> int:
        [(count,)] = await self._database.execute(vectors.OUTDATED, model, model)
        return int(count)

    async def next_outdated(self, model: str) -> tuple[str, str] | None:
        return await self._database.transact(lambda execute: vectors.next_outdated(execute, model))

    async def unfinished(self, model: str) -> list[tuple[str, str]]:
        return [(userid, file_id) for userid, file_id in await self._database.execute(vectors.UNFINISHED, model)]

    async def model(self, file_id: str) -> str | None:
        rows = await self._database.execute(vectors.MODEL, file_id)
        return rows[0][0] if rows else None

    async def pending(self, file_id: str, limit: int, after: int = -1) -> list[tuple[int, Passage]]:
        rows = await self._database.execute(staging.PENDING, file_id, bounded(after, -1, MAX_POSITION), bounded(limit))
        return [(position, Passage(*texts)) for position, *texts in rows]

    async def add_vectors(self, file_id: str, vectors_: Sequence[tuple[int, Vector]]) -> None:
        await self._database.transact(lambda execute: vectors.add(execute, file_id, vectors_))

    async def read(self, file_id: str, limit: int, after: int = -1) -> list[tuple[int, Passage, Vector | None]]:
        rows = await self._database.execute(staging.READ, file_id, bounded(after, -1, MAX_POSITION), bounded(limit))
        return [
            (position, Passage(*texts), None if vector is None else vectors.decode(vector))
            for position, vector, *texts in rows
        ]

    async def publish(self, userid: str, file_id: str, name: str) -> None:
        rows = await self._database.execute(publishing.BEGIN, {"name": name, "file_id": file_id, "userid": userid})
        for number, start, stored_name in rows:
            await self._add_postings(number, start, stored_name)
            await self._database.execute(publishing.END, number)

    async def _add_postings(self, number: int, start: int, name: str) -> None:
        while batch := await self._database.execute(publishing.NEXT, number, start, start + publishing.BATCH_PASSAGES):
            rows = await asyncio.to_thread(publishing.postings, name, batch)
            await self._database.execute(*publishing.add(number, start, start + publishing.BATCH_PASSAGES, rows))
            start += publishing.BATCH_PASSAGES

    async def withdraw(self, userid: str, file_id: str) -> None:
        await self._database.batch(*publishing.withdraw(userid, file_id))

    async def forget(self, file_id: str) -> None:
        # First it is hidden, for a kill in the middle.
        if await self._database.execute(staging.HIDE, file_id):
            await self._database.batch(*staging.remove(file_id))

    async def read_snapshot(self, work: Callable[[Snapshot], T]) -> T:
        return await self._snapshots.run(lambda execute: work(Snapshot(execute)))

    async def close(self) -> None:
        """Close the connection of snapshots once work in progress is done."""
        await self._snapshots.close()
