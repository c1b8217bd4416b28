"""Publication, as functions of one transaction each: a staged file becomes part of snapshots, and leaves them again."""

from __future__ import annotations

import sqlite3

from .schema import bump_version, storable


def begin(connection: sqlite3.Connection, userid: str, file_id: str, name: str) -> int | None:
    """The number of the owner's file if it is staged and not published. It keeps the name of its first publication."""
    row = connection.execute(
        """SELECT files.number FROM files JOIN owners ON owners.number = owner
        WHERE file_id = ? AND userid = ? AND passage_count IS NOT NULL AND NOT published""",
        (file_id, userid),
    ).fetchone()
    if row is None:
        return None
    connection.execute(
        "UPDATE files SET wanted = TRUE, name = coalesce(name, ?) WHERE number = ?", (storable(name), row[0])
    )
    return int(row[0])


def end(connection: sqlite3.Connection, number: int) -> None:
    """Publish the file, once all its postings are there."""
    if connection.execute(
        "UPDATE files SET published = TRUE WHERE number = ? AND wanted AND indexed_count = passage_count", (number,)
    ).rowcount:
        bump_version(connection, number)


def withdraw(connection: sqlite3.Connection, userid: str, file_id: str) -> int | None:
    """Hide the owner's file; returns its number. Its postings can be removed from then on."""
    row = connection.execute(
        """SELECT files.number FROM files JOIN owners ON owners.number = owner
        WHERE file_id = ? AND userid = ?""",
        (file_id, userid),
    ).fetchone()
    if row is None:
        return None
    bump_version(connection, row[0])
    connection.execute("UPDATE files SET wanted = FALSE, published = FALSE WHERE number = ?", row)
    return int(row[0])
