"""Repairs of damaged rows, at each start: what rows are found, ordered and counted by.

A disk or a hand may have put anything into a row. What is only shown is decoded as it is read; what a statement
compares has to be right in the table, or the row hides others. Nothing is deleted.
"""

from __future__ import annotations

import logging
import sqlite3
from typing import NamedTuple

from .numbers import OF_CONVERSATION

log = logging.getLogger("mockbackend.storage")


class Repair(NamedTuple):
    """What a column gets in the rows where it is damaged."""

    column: str
    value: str
    condition: str


# By table, in their order: a later one may rely on what an earlier one has repaired.
REPAIRS = {
    "conversations": (
        # A row without an id gets one, so that its owner can delete it.
        Repair("id", "coalesce(CAST(id AS TEXT), 'damaged-' || rowid)", "typeof(id) <> 'text'"),
        Repair("deleted_at", "NULL", "typeof(deleted_at) NOT IN ('null', 'integer')"),
        Repair("is_pinned", "FALSE", "is_pinned NOT IN (0, 1) OR is_pinned IS NULL"),
        Repair("updated_at", "CAST(created_at AS INTEGER)", "typeof(updated_at) <> 'integer'"),
        Repair("version", "1", "typeof(version) <> 'integer' OR version NOT BETWEEN 0 AND 1 << 53"),
        # Each message has a row in `words` or `said`.
        # A conversation with a version has messages: a 0 would cut them all off.
        Repair(
            "message_count",
            f"(SELECT count(*) FROM numbers JOIN words ON {OF_CONVERSATION} WHERE conversation_id = conversations.id)"
            " + (SELECT count(*) FROM said WHERE conversation_id = conversations.id)",
            "typeof(message_count) <> 'integer' OR message_count NOT BETWEEN sign(version) AND 1 << 20",
        ),
    ),
    "pictures": (
        Repair("size", "0", "typeof(size) <> 'integer' OR size NOT BETWEEN 0 AND 1 << 53"),
        # It stays until its conversation goes.
        Repair("shown_at", "NULL", "typeof(shown_at) NOT IN ('null', 'integer')"),
    ),
    "files": (
        Repair("id", "CAST(id AS TEXT)", "typeof(id) <> 'text'"),
        Repair("deleted_at", "NULL", "typeof(deleted_at) NOT IN ('null', 'integer')"),
        Repair("size", "0", "typeof(size) <> 'integer' OR size NOT BETWEEN 0 AND 1 << 53"),
        # It is indexed again.
        Repair("status", "'queued'", "status NOT IN ('queued', 'extracting', 'embedding', 'ready', 'failed')"),
        Repair(
            "error",
            "'The entry of this file is damaged. Delete it and upload the file again.'",
            "blob IS NULL AND status <> 'failed'",
        ),
        Repair("status", "'failed'", "blob IS NULL AND status <> 'failed'"),
    ),
}


def repair(connection: sqlite3.Connection) -> None:
    """Repair the rows of the metadata database, whose schema is the newest."""
    connection.execute("BEGIN IMMEDIATE")
    for table, repairs in REPAIRS.items():
        # One look at all rows: hardly ever is there anything to do.
        any_of_them = " OR ".join(f"({one.condition})" for one in repairs)
        if not connection.execute(f"SELECT 1 FROM {table} WHERE {any_of_them} LIMIT 1").fetchone():
            continue
        for column, value, condition in repairs:
            statement = f"UPDATE OR IGNORE {table} SET {column} = {value} WHERE {condition}"
            if count := connection.execute(statement).rowcount:
                log.error("%d rows of the table %s had a damaged %s, and were repaired", count, table, column)
    connection.execute("COMMIT")
