"""What the rows of files have in common."""

from __future__ import annotations

from ..database import Statement

# The fields of File, in their order.
COLUMNS = "id, name, status, done, total, error, size, media_type, created_at, notice"
MAX_FAILURES = 100


def limit_failures(userid: str) -> Statement:
    """What deletes all but the newest rows of the user's failed files: the quota does not count them."""
    return (
        """DELETE FROM files WHERE number IN (SELECT number FROM files
        WHERE userid = %s AND blob_id IS NULL AND deleted_at IS NULL
        ORDER BY created_at DESC, number DESC OFFSET %s)""",
        *(userid, MAX_FAILURES),
    )
