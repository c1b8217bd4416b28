"""The files as their owners see them. Every call made for a user names the owner."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from ...bounds import bounded
from ...values import File, FileLimits
from ..database import Database
from ..pieces import StoredBlob
from ..processes import alive
from .rows import COLUMNS
from .upload import Upload


class Files:
    """The contract's Files."""

    def __init__(self, database: Database, receiver: str) -> None:
        self._database = database
        self._receiver = receiver
        self._receiving: Counter[str] = Counter()

    def receive(self, userid: str, name: str, limits: FileLimits) -> Upload:
        return Upload(self._database, self._receiver, userid, name, limits, self._receiving)

    async def listing(self, userid: str) -> list[File]:
        rows = await self._database.execute(
            f"""SELECT {COLUMNS} FROM files WHERE userid = %s AND deleted_at IS NULL
            ORDER BY created_at DESC, number DESC""",
            userid,
        )
        return [File(*row) for row in rows]

    async def get(self, userid: str, file_id: str) -> File | None:
        return (await self.named(userid, [file_id])).get(file_id)

    async def content(self, userid: str, file_id: str) -> tuple[File, StoredBlob] | None:
        rows = await self._database.execute(
            f"""SELECT blob_id, {COLUMNS} FROM files
            WHERE userid = %s AND id = %s AND blob_id IS NOT NULL AND deleted_at IS NULL""",
            *(userid, file_id),
        )
        if not rows:
            return None
        file = File(*rows[0][1:])
        return file, StoredBlob(self._database, rows[0][0], file.size)

    async def unready(self, userid: str, file_ids: Sequence[str] | None, limit: int) -> list[File]:
        which, values = ("", []) if file_ids is None else ("AND id = ANY(%s::text[])", [list(file_ids)])
        rows = await self._database.execute(
            f"""SELECT {COLUMNS} FROM files WHERE userid = %s AND status <> 'ready' AND deleted_at IS NULL {which}
            ORDER BY created_at DESC, number DESC LIMIT %s""",
            *(userid, *values, bounded(limit)),
        )
        return [File(*row) for row in rows]

    async def named(self, userid: str, file_ids: Sequence[str]) -> dict[str, File]:
        rows = await self._database.execute(
            f"SELECT {COLUMNS} FROM files WHERE userid = %s AND deleted_at IS NULL AND id = ANY(%s::text[])",
            *(userid, list(file_ids)),
        )
        return {file.id: file for file in (File(*row) for row in rows)}

    async def hide(self, userid: str, file_id: str) -> bool:
        now = time.time_ns()
        rows = await self._database.execute(
            # Sent again after a lost answer, it finds its own time: nobody else's has the same nanosecond.
            """UPDATE files SET deleted_at = %s
            WHERE id = %s AND userid = %s AND (deleted_at IS NULL OR deleted_at = %s) RETURNING id""",
            *(now, file_id, userid, now),
        )
        return bool(rows)

    async def hidden(self) -> list[tuple[str, str]]:
        rows = await self._database.execute("SELECT userid, id FROM files WHERE deleted_at IS NOT NULL")
        return [(userid, file_id) for userid, file_id in rows]

    async def empty(self, file_id: str) -> None:
        await self._database.execute(
            """DELETE FROM pieces USING files
            WHERE files.id = %s AND deleted_at IS NOT NULL AND pieces.blob_id = files.blob_id""",
            file_id,
        )

    async def forget(self, file_id: str) -> None:
        await self._database.execute(
            """WITH gone AS (DELETE FROM files WHERE id = %s AND deleted_at IS NOT NULL RETURNING blob_id)
            DELETE FROM pieces USING gone WHERE pieces.blob_id = gone.blob_id""",
            file_id,
        )

    async def clean(self) -> None:
        # A process that has only stalled finds no upload any more, and stores no file without its bytes.
        await self._database.execute(
            f"""WITH gone AS (DELETE FROM uploads WHERE NOT {alive("receiver")} RETURNING blob_id)
            DELETE FROM pieces USING gone WHERE pieces.blob_id = gone.blob_id"""
        )
