"""What was read out of files, on its way into an index: passages and their vectors."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ....passages import Passage
from . import words
from .schema import changed, first_id, storable
from .thread import DatabaseThread
from .vectors import decode, keep

if TYPE_CHECKING:
    from .vectors import Vector

# Rows of one transaction: other writers wait for no more than some ten milliseconds.
AT_ONCE = 500


class Passages:
    """The passages of all files, whether they can be found yet or not.

    Positions count a file's passages from 0. A file that is forgotten, or staged again, while one of these methods
    works on it is left alone from then on; none of them raises for a file that it does not know.
    """

    def __init__(self, path: Path) -> None:
        """Open a database that `prepare` has made."""
        self._thread = DatabaseThread(path, "passages")

    async def stage(self, file_id: str, userid: str, passages: Sequence[Passage]) -> None:
        """Keep these passages in place of all that was kept of the file; it is not staged until the last one is."""
        while (number := await self._thread.write(_begin, file_id, userid)) is None:
            await self.forget(file_id)
        for start in range(0, len(passages), AT_ONCE):
            if not await self._thread.write(_add, number, start, passages[start : start + AT_ONCE]):
                return
        lengths = array("I", (len(passage.text) for passage in passages))
        await self._thread.write(_end, number, lengths)

    async def count(self, file_id: str) -> tuple[int, int] | None:
        """How many passages have vectors, and how many there are; None where the file is not wholly staged."""
        row = await self._thread.read(_staged, file_id)
        return (row[2], row[1]) if row else None

    async def pending(self, file_id: str, limit: int, after: int = -1) -> list[tuple[int, Passage]]:
        """The next passages without a vector: (position, passage), from beyond position `after`."""
        return await self._thread.read(_pending, file_id, limit, after)

    async def embedded(self, file_id: str, vectors: Sequence[tuple[int, Vector]]) -> None:
        """Keep the vectors of these positions, all or none; a passage that has one keeps that."""
        await self._thread.write(_embedded, file_id, vectors)

    async def read(self, file_id: str, limit: int, after: int = -1) -> list[tuple[int, Passage, Vector | None]]:
        """The next passages with their vectors (of length 1), from beyond position `after`."""
        return await self._thread.read(_read, file_id, limit, after)

    async def forget(self, file_id: str) -> None:
        """Remove all that is kept of the file; a kill in the middle leaves a file that is not staged."""
        number = await self._thread.write(_hide, file_id)
        if number is None:
            return
        while await self._thread.write(words.remove, number):
            pass
        while await self._thread.write(_remove, number):
            pass

    async def close(self) -> None:
        """Close the connection once what is under way is done."""
        await self._thread.close()


def _begin(connection: sqlite3.Connection, file_id: str, userid: str) -> int | None:
    """The number of the new file; None where the old one must go first."""
    if connection.execute("SELECT 1 FROM files WHERE file_id = ?", (file_id,)).fetchone():
        return None
    connection.execute("INSERT OR IGNORE INTO owners (userid) VALUES (?)", (userid,))
    return connection.execute(
        "INSERT INTO files (file_id, owner) SELECT ?, number FROM owners WHERE userid = ?", (file_id, userid)
    ).lastrowid


def _add(connection: sqlite3.Connection, number: int, start: int, passages: Sequence[Passage]) -> bool:
    if not connection.execute("SELECT 1 FROM files WHERE number = ?", (number,)).fetchone():
        return False
    connection.executemany(
        "INSERT INTO passages (id, text, place, heading) VALUES (?, ?, ?, ?)",
        (
            (number, storable(passage.text), storable(passage.place), storable(passage.heading))
            for number, passage in enumerate(passages, start=first_id(number) + start)
        ),
    )
    return True


def _end(connection: sqlite3.Connection, number: int, lengths: array[int]) -> None:
    connection.execute(
        "UPDATE files SET passage_count = ?, lengths = ? WHERE number = ?", (len(lengths), lengths.tobytes(), number)
    )


def _staged(connection: sqlite3.Connection, file_id: str) -> tuple[int, int, int] | None:
    """(number, passages, vectors) of a file that is wholly staged."""
    row: tuple[int, int, int] | None = connection.execute(
        "SELECT number, passage_count, vector_count FROM files WHERE file_id = ? AND passage_count IS NOT NULL",
        (file_id,),
    ).fetchone()
    return row


def _pending(connection: sqlite3.Connection, file_id: str, limit: int, after: int) -> list[tuple[int, Passage]]:
    if not (row := _staged(connection, file_id)):
        return []
    first = first_id(row[0])
    rows = connection.execute(
        """SELECT id, text, place, heading FROM passages WHERE id > ? AND id < ?
        AND NOT EXISTS (SELECT 1 FROM vectors WHERE passage = id) ORDER BY id LIMIT ?""",
        (first + after, first_id(row[0] + 1), limit),
    )
    return [(number - first, Passage(*texts)) for number, *texts in rows]


def _embedded(connection: sqlite3.Connection, file_id: str, vectors: Sequence[tuple[int, Vector]]) -> None:
    if not (row := _staged(connection, file_id)):
        return
    number, count, _ = row
    kept = keep(connection, number, {position: vector for position, vector in vectors if 0 <= position < count})
    connection.execute("UPDATE files SET vector_count = vector_count + ? WHERE number = ?", (kept, number))
    changed(connection, number)


def _read(
    connection: sqlite3.Connection, file_id: str, limit: int, after: int
) -> list[tuple[int, Passage, Vector | None]]:
    if not (row := _staged(connection, file_id)):
        return []
    first = first_id(row[0])
    rows = connection.execute(
        """SELECT id, vector, text, place, heading FROM passages LEFT JOIN vectors ON passage = id
        WHERE id > ? AND id < ? ORDER BY id LIMIT ?""",
        (first + after, first_id(row[0] + 1), limit),
    )
    return [
        (number - first, Passage(*texts), decode(vector) if vector is not None else None)
        for number, vector, *texts in rows
    ]


def _hide(connection: sqlite3.Connection, file_id: str) -> int | None:
    """From here on the file is neither found nor staged."""
    row = connection.execute("SELECT number FROM files WHERE file_id = ?", (file_id,)).fetchone()
    if row is None:
        return None
    changed(connection, row[0])
    connection.execute("UPDATE files SET passage_count = NULL, wanted = FALSE, published = FALSE WHERE number = ?", row)
    return int(row[0])


def _remove(connection: sqlite3.Connection, number: int) -> bool:
    """Remove some of the file's passages, whose words are gone already; at last the file. False once that is done."""
    ids = connection.execute(
        "SELECT id FROM passages WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
        (first_id(number), first_id(number + 1), AT_ONCE),
    ).fetchall()
    connection.executemany("DELETE FROM vectors WHERE passage = ?", ids)
    connection.executemany("DELETE FROM passages WHERE id = ?", ids)
    if ids:
        return True
    connection.execute("DELETE FROM signs WHERE file = ?", (number,))
    connection.execute("DELETE FROM files WHERE number = ?", (number,))
    connection.execute("DELETE FROM owners WHERE NOT EXISTS (SELECT 1 FROM files WHERE owner = owners.number)")
    return False
