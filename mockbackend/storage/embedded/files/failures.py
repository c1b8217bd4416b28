"""The rows of files that failed: they have no content, so the quota does not count them, and yet they are few."""

from __future__ import annotations

from ..database import Database

MOST = 100


async def limit_failures(database: Database, userid: str) -> None:
    """Keep the newest rows of the user's failed files: nobody fills the table with what is refused."""
    await database.execute(
        """DELETE FROM files WHERE rowid IN (SELECT rowid FROM files
        WHERE userid = ? AND blob IS NULL AND deleted_at IS NULL
        ORDER BY created_at DESC, rowid DESC LIMIT -1 OFFSET ?)""",
        *(userid, MOST),
    )
