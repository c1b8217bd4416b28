"""The embedding models of vectors, as functions of one transaction each."""

from __future__ import annotations

import sqlite3

from ...passages import first_id
from ..sqlite import text
from .schema import bump_version

_OWNED = "SELECT userid, file_id FROM files JOIN owners ON owners.number = files.owner"
_UNFINISHED = "published AND model = ? AND vector_count < passage_count"


def embed_with(connection: sqlite3.Connection, file_id: str, model: str) -> None:
    """Delete the file's vectors, unless they are of this model, which it has from now on."""
    row = connection.execute(
        "SELECT number FROM files WHERE file_id = ? AND passage_count IS NOT NULL AND model IS NOT ?", (file_id, model)
    ).fetchone()
    if row is None:
        return
    (number,) = row
    bounds = first_id(number), first_id(number + 1)
    connection.execute("DELETE FROM vectors WHERE passage >= ? AND passage < ?", bounds)
    connection.execute("DELETE FROM signs WHERE file = ?", row)
    connection.execute("UPDATE files SET model = ?, vector_count = 0 WHERE number = ?", (model, number))
    bump_version(connection, number)


def adopt(connection: sqlite3.Connection, model: str) -> None:
    """Say of vectors of an unknown model that they are of this one."""
    connection.execute("UPDATE files SET model = ? WHERE model IS NULL AND vector_count > 0", (model,))


def outdated(connection: sqlite3.Connection, model: str) -> int:
    """How many published files do not have all their vectors of this model."""
    ((count,),) = connection.execute(
        f"SELECT count(*) FROM files WHERE published AND model IS NOT ? OR {_UNFINISHED}", (model, model)
    )
    return int(count)


def next_outdated(connection: sqlite3.Connection, model: str) -> tuple[str, str] | None:
    """Owner and id of the oldest published file without vectors of this model, which it is to have from now on."""
    row: tuple[str, str] | None = connection.execute(
        f"{_OWNED} WHERE published AND model IS NOT ? ORDER BY files.number LIMIT 1", (model,)
    ).fetchone()
    if row is not None:
        embed_with(connection, row[1], model)
    return row


def unfinished(connection: sqlite3.Connection, model: str) -> list[tuple[str, str]]:
    """Owner and id of the published files that have some vectors of this model, but not all."""
    return connection.execute(f"{_OWNED} WHERE {_UNFINISHED} ORDER BY files.number", (model,)).fetchall()


def model_of(connection: sqlite3.Connection, file_id: str) -> str | None:
    """The model that the file's vectors are of."""
    row = connection.execute("SELECT model FROM files WHERE file_id = ?", (file_id,)).fetchone()
    return None if row is None or row[0] is None else text(row[0])
