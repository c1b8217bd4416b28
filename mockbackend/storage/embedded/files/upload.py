"""A file that is being received: written as it arrives, then either stored or refused."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from ....messages import now_ms
from ....mock import drawn
from ...bounds import bounded
from ...file_limits import HEAD_BYTES, NOT_WRITTEN, over_quota, too_large
from ...values import File, FileLimits
from ..database import Database
from ..spending import STORED_BYTES
from .blob import NewBlob, shielded
from .failures import limit_failures
from .rows import COLUMNS, decode_file

log = logging.getLogger("mockbackend.storage")


class Upload:
    """One file on its way in: `size` is the number of bytes received so far, `head` the first 4 kB.

    Call `write` for every piece, then `end`, then `finish` or `refuse`. `discard` drops the upload, and does nothing
    once it is stored. A file that is too large is reported only at the end, when the rest of the body has been read.
    `receiving` counts, by user, the bytes of all uploads in progress in this process.
    """

    def __init__(
        self, database: Database, path: Path, userid: str, name: str, limits: FileLimits, receiving: Counter[str]
    ) -> None:
        self.name = name
        self.size = 0
        self.head = b""
        self._database = database
        self._blob = NewBlob(path)
        self._userid = userid
        self._limits = limits
        self._receiving = receiving
        self._counted = 0
        self._refusal: str | None = None
        self._stored = False

    async def write(self, data: bytes) -> None:
        self.size += len(data)
        self.head += data[: HEAD_BYTES - len(self.head)]
        if self._refusal is not None:
            return
        if self.size > self._limits.file_bytes:
            await self.give_up(too_large(self._limits))
        elif self._receiving[self._userid] + len(data) > self._limits.user_bytes:
            await self.give_up(over_quota(self._limits))
        else:
            self._count(len(data))
            await self._to_disk(self._blob.write(data))

    async def end(self) -> None:
        if self._refusal is None:
            await self._to_disk(self._blob.close())

    async def give_up(self, reason: str) -> None:
        self._refusal = reason
        await self.discard()

    async def finish(self, kind: str, media_type: str) -> File:
        return await shielded(self._finish(kind, media_type))

    async def refuse(self, reason: str) -> File:
        return await shielded(self._refuse(self._refusal or reason))

    async def discard(self) -> None:
        if not self._stored:
            self._count(-self._counted)
            await self._blob.remove()

    async def _finish(self, kind: str, media_type: str) -> File:
        await self.end()
        if self._refusal is not None:
            return await self._refuse(self._refusal)
        if stored := await self._store(kind, media_type):
            self._count(-self._counted)
            self._stored = True
            return stored
        if same := await self._same():
            await self.discard()
            return same
        return await self._refuse(over_quota(self._limits))

    async def _store(self, kind: str, media_type: str) -> File | None:
        # One statement checks the limits and inserts, so that concurrent uploads cannot exceed them together. A row
        # with the same content but no blob has failed before: it gets another try, under the new name.
        rows = await self._database.execute(
            f"""INSERT INTO files (id, userid, name, kind, media_type, size, digest, blob, status, created_at)
            SELECT ?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?
            WHERE (SELECT count(*) < ? FROM files WHERE userid = ? AND blob IS NOT NULL AND deleted_at IS NULL)
            AND {STORED_BYTES} + ? <= ?
            ON CONFLICT (userid, digest) WHERE digest IS NOT NULL AND deleted_at IS NULL
            DO UPDATE SET name = excluded.name, kind = excluded.kind, media_type = excluded.media_type,
            blob = excluded.blob, status = 'queued', done = 0, total = 0, error = NULL, created_at = excluded.created_at
            WHERE blob IS NULL RETURNING {COLUMNS}""",
            *(str(drawn.uuid()), self._userid, self.name, kind, media_type, self.size),
            *(self._blob.digest, self._blob.name, now_ms()),
            *(bounded(self._limits.user_files), self._userid),
            *(self._userid, self._userid, self.size, bounded(self._limits.user_bytes)),
        )
        return decode_file(rows[0]) if rows else None

    async def _same(self) -> File | None:
        rows = await self._database.execute(
            f"""SELECT {COLUMNS} FROM files
            WHERE userid = ? AND digest = ? AND blob IS NOT NULL AND deleted_at IS NULL""",
            *(self._userid, self._blob.digest),
        )
        return decode_file(rows[0]) if rows else None

    async def _refuse(self, reason: str) -> File:
        await self.discard()
        rows = await self._database.execute(
            f"""INSERT INTO files (id, userid, name, kind, media_type, size, status, error, created_at)
            VALUES (?, ?, ?, '', 'application/octet-stream', ?, 'failed', ?, ?) RETURNING {COLUMNS}""",
            *(str(drawn.uuid()), self._userid, self.name, self.size, reason, now_ms()),
        )
        await limit_failures(self._database, self._userid)
        return decode_file(rows[0])

    async def _to_disk(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except OSError as error:
            log.error("a file could not be stored: %s", error.strerror)
            await self.give_up(NOT_WRITTEN)

    def _count(self, size: int) -> None:
        self._counted += size
        self._receiving[self._userid] += size
        if not self._receiving[self._userid]:
            del self._receiving[self._userid]
