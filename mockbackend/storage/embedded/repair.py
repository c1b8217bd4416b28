"""Repairs of damaged rows, at each start: what rows are found, ordered and counted by.

A disk or a hand may have put anything into a row. What is only shown is decoded as it is read; what a statement
compares has to be right in the table, or the row hides others. Nothing is deleted.
"""

from __future__ import annotations

import logging
import sqlite3

log = logging.getLogger("mockbackend.storage")

_DELETED = "deleted_at = NULL WHERE typeof(deleted_at) NOT IN ('null', 'integer')"
# The UPDATEs, in their order: a later one may rely on what an earlier one has repaired.
_REPAIRS = (
    # A row without an id gets one, so that its owner can delete it.
    "OR IGNORE conversations SET id = coalesce(CAST(id AS TEXT), 'damaged-' || rowid) WHERE typeof(id) <> 'text'",
    f"conversations SET {_DELETED}",
    "conversations SET is_pinned = FALSE WHERE is_pinned NOT IN (0, 1) OR is_pinned IS NULL",
    "conversations SET created_at = 0 WHERE typeof(created_at) <> 'integer'",
    "conversations SET updated_at = created_at WHERE typeof(updated_at) <> 'integer'",
    "conversations SET version = 1 WHERE typeof(version) <> 'integer' OR version NOT BETWEEN 0 AND 1 << 53",
    # Each message has a row in `said`. A conversation with a version has messages: a 0 would cut them all off.
    """conversations SET message_count = (SELECT count(*) FROM said WHERE conversation_id = conversations.id)
    WHERE typeof(message_count) <> 'integer' OR message_count NOT BETWEEN sign(version) AND 1 << 20""",
    "OR IGNORE files SET id = CAST(id AS TEXT) WHERE typeof(id) <> 'text'",
    f"files SET {_DELETED}",
    "files SET created_at = 0 WHERE typeof(created_at) <> 'integer'",
    "files SET size = 0 WHERE typeof(size) <> 'integer' OR size NOT BETWEEN 0 AND 1 << 53",
    """files SET status = 'queued', worker = NULL
    WHERE status NOT IN ('queued', 'extracting', 'embedding', 'ready', 'failed')""",
    """files SET status = 'failed', error = 'The entry of this file is damaged. Delete it and upload the file again.'
    WHERE blob IS NULL AND status <> 'failed'""",
)


def repair(connection: sqlite3.Connection) -> None:
    """Repair the rows of the metadata database, whose schema is the newest."""
    connection.execute("BEGIN IMMEDIATE")
    for statement in _REPAIRS:
        if count := connection.execute(f"UPDATE {statement}").rowcount:
            table, _, column = statement.removeprefix("OR IGNORE ").split()[:3]
            log.error("%d rows of the table %s had a damaged %s, and were repaired", count, table, column)
    connection.execute("COMMIT")
