"""The embedded index: words and vectors in SQLite, fused by reciprocal rank."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ....passages import Passage, SearchResult
from . import vectors, words
from .owner_index import OwnerCache, OwnerIndex
from .schema import changed, storable
from .thread import DatabaseThread

if TYPE_CHECKING:
    from .vectors import Flags, Numbers, Rotation, Vector

# Reciprocal rank fusion: the usual constant, and how far down each ranking counts.
K = 60
DEPTH = 100
# Vectors that are compared exactly, after their signs have been.
CANDIDATES = 300


class EmbeddedIndex:
    """Finds passages of an owner's published files by words and by vectors.

    Publishing has a connection of its own, so that a query never waits for it. What another process publishes or
    forgets is seen by the next query.
    """

    # What it finds is what was staged, which has to stay.
    holds_copies = False

    def __init__(self, path: Path) -> None:
        """Open a database that `prepare` has made."""
        self._writing = DatabaseThread(path, "index-writing")
        self._reading = DatabaseThread(path, "index-reading")
        # Both are the reading thread's alone.
        self._cache = OwnerCache()
        self._rotations: dict[int, Rotation] = {}

    async def publish(self, userid: str, file_id: str, name: str) -> None:
        """Make the file's staged passages findable; once more changes nothing, after a kill it goes on."""
        number = await self._writing.write(_begin, userid, file_id, storable(name))
        if number is None:
            return
        # The rows are made outside the transaction that writes them, so that other writers hardly wait.
        while part := await self._writing.read(words.next_rows, number):
            await self._writing.write(words.add, number, *part)
        await self._writing.write(_end, number)

    async def search(
        self, userid: str, query: str, vector: Vector | None, file_ids: Sequence[str] | None, limit: int
    ) -> list[SearchResult]:
        """The passages that answer best, best first, at most so many; of these files, or of all the owner's.

        Without a vector words alone are compared; passages whose vector has another dimension, or none, are found
        by words alone too.
        """
        return await self._reading.read(self._search, userid, query, vector, file_ids, limit)

    async def forget(self, userid: str, file_id: str) -> None:
        """Take the file out of the index; its passages stay staged."""
        number = await self._writing.write(_hide, userid, file_id)
        while number is not None and await self._writing.write(words.remove, number):
            pass

    async def close(self) -> None:
        """Close both connections once what is under way is done."""
        await self._writing.close()
        await self._reading.close()

    def _search(
        self,
        connection: sqlite3.Connection,
        userid: str,
        query: str,
        vector: Vector | None,
        file_ids: Sequence[str] | None,
        limit: int,
    ) -> list[SearchResult]:
        index = self._cache.get(connection, userid)
        if index is None:
            return []
        allowed = None if file_ids is None else index.allowed(file_ids)
        rankings = [words.rank(connection, index, query, allowed, DEPTH)]
        if vector is not None:
            rankings.append(self._near(connection, index, vector, allowed))
        scores: dict[int, float] = {}
        for ranking in rankings:
            for rank, row in enumerate(ranking.tolist(), start=1):
                scores[row] = scores.get(row, 0.0) + 1 / (K + rank)
        best = sorted(scores, key=lambda row: (-scores[row], row))[:limit]
        return _found(connection, index, [(row, scores[row]) for row in best])

    def _near(
        self, connection: sqlite3.Connection, index: OwnerIndex, vector: Vector, allowed: Flags | None
    ) -> Numbers:
        """The rows whose vectors are nearest, best first."""
        import numpy as np

        direction = vectors.unit(vector)
        rows, signs = index.signs.get(len(vector), (None, None))
        if direction is None or rows is None or signs is None:
            return np.empty(0, np.int64)
        if len(vector) not in self._rotations:
            self._rotations[len(vector)] = vectors.rotation(connection, len(vector))
        rotation = self._rotations[len(vector)]
        subset = None if allowed is None else np.flatnonzero(allowed[rows])
        candidates = np.sort(rows[vectors.candidates(signs, rotation.signs(direction[None])[0], subset, CANDIDATES)])
        ids = index.ids(candidates).tolist()
        stored = connection.execute(
            f"SELECT vector FROM vectors WHERE passage IN ({', '.join('?' * len(ids))}) ORDER BY passage", ids
        )
        similarity = vectors.similarities(direction, [blob for (blob,) in stored])
        return candidates[np.argsort(-similarity, kind="stable")[:DEPTH]]


def _begin(connection: sqlite3.Connection, userid: str, file_id: str, name: str) -> int | None:
    """The number of the owner's file, once it is staged; it keeps the name that it is first published under."""
    row = connection.execute(
        """SELECT files.number FROM files JOIN owners ON owners.number = owner
        WHERE file_id = ? AND userid = ? AND passage_count IS NOT NULL AND NOT published""",
        (file_id, userid),
    ).fetchone()
    if row is None:
        return None
    connection.execute("UPDATE files SET wanted = TRUE, name = coalesce(name, ?) WHERE number = ?", (name, row[0]))
    return int(row[0])


def _end(connection: sqlite3.Connection, number: int) -> None:
    if connection.execute(
        "UPDATE files SET published = TRUE WHERE number = ? AND wanted AND indexed_count = passage_count", (number,)
    ).rowcount:
        changed(connection, number)


def _hide(connection: sqlite3.Connection, userid: str, file_id: str) -> int | None:
    row = connection.execute(
        """SELECT files.number FROM files JOIN owners ON owners.number = owner
        WHERE file_id = ? AND userid = ?""",
        (file_id, userid),
    ).fetchone()
    if row is None:
        return None
    changed(connection, row[0])
    connection.execute("UPDATE files SET wanted = FALSE, published = FALSE WHERE number = ?", row)
    return int(row[0])


def _found(connection: sqlite3.Connection, index: OwnerIndex, best: list[tuple[int, float]]) -> list[SearchResult]:
    import numpy as np

    ids = index.ids(np.array([row for row, _ in best], np.int64)).tolist()
    found = []
    for passage, (row, score) in zip(ids, best, strict=True):
        texts = connection.execute("SELECT text, place, heading FROM passages WHERE id = ?", (passage,)).fetchone()
        found.append(SearchResult(index.file_id(row), Passage(*texts), score))
    return found
