"""Staging, as functions of one transaction each: passages and vectors on their way into an index."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...passages import Passage, first_id
from ...signs import decode
from . import vectors
from .schema import bump_version, decode_passage, storable

if TYPE_CHECKING:
    from ...signs import Vector

# Rows of one transaction: other writers wait for some ten milliseconds at most.
BATCH_ROWS = 500


def begin(connection: sqlite3.Connection, file_id: str, userid: str) -> int | None:
    """The number of a new file. None if an older one has to be forgotten first."""
    if connection.execute("SELECT 1 FROM files WHERE file_id = ?", (file_id,)).fetchone():
        return None
    connection.execute("INSERT OR IGNORE INTO owners (userid) VALUES (?)", (userid,))
    return connection.execute(
        "INSERT INTO files (file_id, owner) SELECT ?, number FROM owners WHERE userid = ?", (file_id, userid)
    ).lastrowid


def add(connection: sqlite3.Connection, number: int, start: int, passages: Sequence[Passage]) -> bool:
    """Store some passages, from position `start` on. False if the file was forgotten in the meantime."""
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


def end(connection: sqlite3.Connection, number: int, lengths: array[int]) -> None:
    """Mark the file as staged: these are the lengths of all its passages."""
    connection.execute(
        "UPDATE files SET passage_count = ?, lengths = ? WHERE number = ?", (len(lengths), lengths.tobytes(), number)
    )


def staged(connection: sqlite3.Connection, file_id: str) -> tuple[int, int, int] | None:
    """A staged file: its number, and how many passages and vectors it has."""
    row: tuple[int, int, int] | None = connection.execute(
        "SELECT number, passage_count, vector_count FROM files WHERE file_id = ? AND passage_count IS NOT NULL",
        (file_id,),
    ).fetchone()
    return row


def pending(connection: sqlite3.Connection, file_id: str, limit: int, after: int) -> list[tuple[int, Passage]]:
    """The next passages without a vector."""
    if not (row := staged(connection, file_id)):
        return []
    first = first_id(row[0])
    rows = connection.execute(
        """SELECT id, text, place, heading FROM passages WHERE id > ? AND id < ?
        AND NOT EXISTS (SELECT 1 FROM vectors WHERE passage = id) ORDER BY id LIMIT ?""",
        (first + after, first_id(row[0] + 1), limit),
    )
    return [(number - first, decode_passage(texts)) for number, *texts in rows]


def add_vectors(connection: sqlite3.Connection, file_id: str, added: Sequence[tuple[int, Vector]]) -> None:
    """Store vectors by position."""
    if not (row := staged(connection, file_id)):
        return
    number, count, _ = row
    new = vectors.add(connection, number, {position: vector for position, vector in added if 0 <= position < count})
    connection.execute("UPDATE files SET vector_count = vector_count + ? WHERE number = ?", (new, number))
    bump_version(connection, number)


def read(
    connection: sqlite3.Connection, file_id: str, limit: int, after: int
) -> list[tuple[int, Passage, Vector | None]]:
    """The next passages with their vectors."""
    if not (row := staged(connection, file_id)):
        return []
    first = first_id(row[0])
    rows = connection.execute(
        """SELECT id, vector, text, place, heading FROM passages LEFT JOIN vectors ON passage = id
        WHERE id > ? AND id < ? ORDER BY id LIMIT ?""",
        (first + after, first_id(row[0] + 1), limit),
    )
    return [
        (number - first, decode_passage(texts), decode(vector) if vector is not None else None)
        for number, vector, *texts in rows
    ]


def hide(connection: sqlite3.Connection, file_id: str) -> int | None:
    """Make the file neither published nor staged; returns its number."""
    row = connection.execute("SELECT number FROM files WHERE file_id = ?", (file_id,)).fetchone()
    if row is None:
        return None
    bump_version(connection, row[0])
    connection.execute("UPDATE files SET passage_count = NULL, wanted = FALSE, published = FALSE WHERE number = ?", row)
    return int(row[0])


def remove(connection: sqlite3.Connection, number: int) -> bool:
    """Delete some passages of a file whose postings are gone, and at last the file. False once that is done."""
    ids = connection.execute(
        "SELECT id FROM passages WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
        (first_id(number), first_id(number + 1), BATCH_ROWS),
    ).fetchall()
    connection.executemany("DELETE FROM vectors WHERE passage = ?", ids)
    connection.executemany("DELETE FROM passages WHERE id = ?", ids)
    if ids:
        return True
    connection.execute("DELETE FROM signs WHERE file = ?", (number,))
    connection.execute("DELETE FROM files WHERE number = ?", (number,))
    connection.execute("DELETE FROM owners WHERE NOT EXISTS (SELECT 1 FROM files WHERE owner = owners.number)")
    return False
