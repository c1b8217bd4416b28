"""A limit on the rows of failed files: they have no content, so the quota does not count them."""

from __future__ import annotations

from ..database import Database

MAX_FAILURES = 100


async def limit_failures(database: Database, userid: str) -> None:
    """Delete all but the newest rows of the user's failed files, so that refused uploads cannot fill the table."""
    await database.execute(
        """DELETE FROM files WHERE rowid IN (SELECT rowid FROM files
        WHERE userid = ? AND blob IS NULL AND deleted_at IS NULL
        ORDER BY created_at DESC, rowid DESC LIMIT -1 OFFSET ?)""",
        *(userid, MAX_FAILURES),
    )
