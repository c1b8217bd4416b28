"""A file that is being received: stored piece by piece as it arrives, then either kept or refused."""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections import Counter

from ....messages import now_ms
from ....mock import drawn
from ...file_limits import HEAD_BYTES, NOT_WRITTEN, over_quota, too_large
from ...values import File, FileLimits, StorageError
from ..claims import STORING, user_lock
from ..database import Database
from ..pieces import PIECE_BYTES, cut, insert_statement
from ..spending import STORED_BYTES
from .rows import COLUMNS, limit_failures

# A row with the same content but no blob has failed before: it gets another try, under the new name.
_STORE = f"""INSERT INTO files (id, userid, name, kind, media_type, size, digest, blob_id, status, created_at)
    SELECT %(id)s, %(userid)s, %(name)s, %(kind)s, %(media_type)s, %(size)s, %(digest)s, blob_id, 'queued', %(now)s
    FROM uploads WHERE blob_id = %(blob_id)s AND (SELECT count(*) < %(user_files)s
        FROM files WHERE userid = %(userid)s AND blob_id IS NOT NULL AND deleted_at IS NULL)
    AND {STORED_BYTES} + %(size)s <= %(user_bytes)s
    ON CONFLICT (userid, digest) WHERE digest IS NOT NULL AND deleted_at IS NULL
    DO UPDATE SET name = excluded.name, kind = excluded.kind, media_type = excluded.media_type,
    blob_id = excluded.blob_id, status = 'queued', done = 0, total = 0, error = NULL, created_at = excluded.created_at
    WHERE files.blob_id IS NULL RETURNING {COLUMNS}"""
log = logging.getLogger("mockbackend.storage")


class Upload:
    """The contract's Upload. `receiving` counts, by user, the bytes of all uploads in progress in this process."""

    def __init__(
        self,
        database: Database,
        receiver: str,
        userid: str,
        name: str,
        limits: FileLimits,
        receiving: Counter[str],
    ) -> None:
        self.name = name
        self.size = 0
        self.head = b""
        self._database = database
        self._receiver = receiver
        self._blob_id = uuid.uuid4().hex
        self._userid = userid
        self._limits = limits
        self._receiving = receiving
        self._counted = 0
        self._digest = hashlib.sha256()
        self._waiting = bytearray()
        self._pieces = 0
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
            self._digest.update(data)
            self._waiting += data
            if len(self._waiting) >= PIECE_BYTES:
                await self._flush(len(self._waiting) // PIECE_BYTES * PIECE_BYTES)

    async def end(self) -> None:
        if self._refusal is None and (self._waiting or not self._pieces):
            await self._flush(len(self._waiting))

    async def give_up(self, reason: str) -> None:
        self._refusal = reason
        await self.discard()

    async def finish(self, kind: str, media_type: str) -> File:
        return await self._database.whole(self._finish(kind, media_type))

    async def refuse(self, reason: str) -> File:
        return await self._database.whole(self._refuse(self._refusal or reason))

    async def discard(self) -> None:
        if self._stored:
            return
        self._count(-self._counted)
        self._waiting.clear()
        if self._pieces:
            self._pieces = 0
            await self._database.batch(
                ("DELETE FROM uploads WHERE blob_id = %s", self._blob_id),
                ("DELETE FROM pieces WHERE blob_id = %s", self._blob_id),
            )

    async def _finish(self, kind: str, media_type: str) -> File:
        await self.end()
        if self._refusal is not None:
            return await self._refuse(self._refusal)
        _, stored, _, same = await self._database.batch(
            user_lock(STORING, self._userid),
            (_STORE, self._named(kind, media_type)),
            (
                "DELETE FROM uploads u USING files f WHERE u.blob_id = %s AND f.blob_id = u.blob_id",
                self._blob_id,
            ),
            (
                f"""SELECT blob_id, {COLUMNS} FROM files
                WHERE userid = %s AND digest = %s AND blob_id IS NOT NULL AND deleted_at IS NULL""",
                *(self._userid, self._digest.digest()),
            ),
        )
        # Sent again after a lost answer, it finds what it has stored.
        if stored or (same and same[0][0] == self._blob_id):
            self._count(-self._counted)
            self._stored = True
        elif not same:
            return await self._refuse(over_quota(self._limits))
        else:
            await self.discard()
        return File(*same[0][1:])

    def _named(self, kind: str, media_type: str) -> dict[str, object]:
        return {
            "id": str(drawn.uuid()),
            "userid": self._userid,
            "name": self.name,
            "kind": kind,
            "media_type": media_type,
            "size": self.size,
            "digest": self._digest.digest(),
            "blob_id": self._blob_id,
            "now": now_ms(),
            "user_files": self._limits.user_files,
            "user_bytes": self._limits.user_bytes,
        }

    async def _refuse(self, reason: str) -> File:
        await self.discard()
        [[row], _] = await self._database.batch(
            (
                f"""INSERT INTO files (id, userid, name, kind, media_type, size, status, error, created_at)
                VALUES (%s, %s, %s, '', 'application/octet-stream', %s, 'failed', %s, %s)
                ON CONFLICT (id) DO UPDATE SET id = excluded.id RETURNING {COLUMNS}""",
                *(str(drawn.uuid()), self._userid, self.name, self.size, reason, now_ms()),
            ),
            limit_failures(self._userid),
        )
        return File(*row)

    async def _flush(self, length: int) -> None:
        """Store the first bytes that wait."""
        pieces = cut(bytes(self._waiting[:length]))
        first, self._pieces = self._pieces, self._pieces + len(pieces)
        try:
            await self._database.batch(
                (
                    "INSERT INTO uploads (blob_id, userid, receiver) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                    *(self._blob_id, self._userid, self._receiver),
                ),
                insert_statement(self._blob_id, self._userid, first, pieces),
            )
        except StorageError as error:
            log.error("a file could not be stored: %s", error)
            await self.give_up(NOT_WRITTEN)
        del self._waiting[:length]

    def _count(self, size: int) -> None:
        self._counted += size
        self._receiving[self._userid] += size
        if not self._receiving[self._userid]:
            del self._receiving[self._userid]
