"""The embedding models of vectors, as functions of one transaction each."""

from __future__ import annotations

import sqlite3

from ...passages import first_id
from .schema import bump_version

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


def next_outdated(connection: sqlite3.Connection, model: str) -> str | None:
    """The oldest published file without vectors of this model, which it is to have from now on."""
    row = connection.execute(
        "SELECT file_id FROM files WHERE published AND model IS NOT ? ORDER BY number LIMIT 1", (model,)
    ).fetchone()
    if row is None:
        return None
    embed_with(connection, row[0], model)
    return str(row[0])


def unfinished(connection: sqlite3.Connection, model: str) -> list[str]:
    """The published files that have some vectors of this model, but not all."""
    rows = connection.execute(f"SELECT file_id FROM files WHERE {_UNFINISHED} ORDER BY number", (model,))
    return [file_id for (file_id,) in rows]
