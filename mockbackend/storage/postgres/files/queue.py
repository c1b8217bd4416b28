"""The queue of files that wait to be indexed. One process claims a file; if it dies, another takes over."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any

from ...files import BYTES_PER_MS, MAX_BYTES, compared
from ...values import IndexingJob, Status
from ..database import Database, Statement
from ..pieces import StoredBlob
from ..processes import alive
from .rows import limit_failures

# SKIP LOCKED: of two that claim at once, the second takes the next file. Without the lock both would take the first.
# Sent again after a lost answer, it finds what it has claimed by the claim's own id.
_CLAIM = """WITH mine AS (SELECT number FROM files WHERE worker = %(worker)s AND claim = %(claim)s),
    users AS (SELECT userid, (SELECT max(claimed_at) FROM files WHERE files.userid = waiting.userid) AS served
        FROM (SELECT DISTINCT userid FROM files WHERE status = 'queued' AND deleted_at IS NULL
            AND userid <> ALL (%(busy)s::text[])) waiting),
    next AS (SELECT number FROM files f JOIN users USING (userid) WHERE status = 'queued' AND deleted_at IS NULL
        AND size <= %(largest)s AND NOT EXISTS (SELECT FROM mine)
        ORDER BY served NULLS FIRST, created_at + size / %(pace)s, number LIMIT 1 FOR UPDATE OF f SKIP LOCKED)
    UPDATE files SET worker = %(worker)s, claim = %(claim)s, claimed_at = clock_timestamp(), status = 'extracting',
    done = 0, total = 0 FROM (SELECT number FROM mine UNION ALL SELECT number FROM next) given
    WHERE files.number = given.number RETURNING id, userid, name, kind, blob_id, size"""
_OUTDATED = "status = 'ready' AND substr(copied_as, 1, %(compared)s) <> %(copied_as)s AND deleted_at IS NULL"
_CLAIM_OUTDATED = f"""WITH mine AS (SELECT number FROM files WHERE worker = %(worker)s AND claim = %(claim)s),
    next AS (SELECT number FROM files WHERE {_OUTDATED} AND worker IS NULL AND blob_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM mine) ORDER BY created_at, number LIMIT 1 FOR UPDATE SKIP LOCKED)
    UPDATE files SET worker = %(worker)s, claim = %(claim)s
    FROM (SELECT number FROM mine UNION ALL SELECT number FROM next) given
    WHERE files.number = given.number RETURNING id, userid, name, kind, blob_id, size"""
_HELD = "id = %s AND worker = %s AND deleted_at IS NULL"


class Queue:
    """The contract's Queue."""

    def __init__(self, database: Database, worker: str) -> None:
        self._database = database
        self._worker = worker

    async def claim(self, busy: Collection[str] = (), largest: int = MAX_BYTES) -> IndexingJob | None:
        of_the_dead = f"worker IS NOT NULL AND worker <> %s AND NOT {alive('worker')}"
        claim, limits = uuid.uuid4().hex, {"busy": list(busy), "largest": largest, "pace": BYTES_PER_MS}
        named = {"worker": self._worker, "claim": claim, **limits}
        _, rows = await self._database.batch(_put_back(of_the_dead, self._worker), (_CLAIM, named))
        return self._job(rows)

    async def claim_outdated(self, copied_as: str) -> IndexingJob | None:
        named = {"worker": self._worker, "claim": uuid.uuid4().hex, **_named(copied_as)}
        return self._job(await self._database.execute(_CLAIM_OUTDATED, named))

    async def outdated(self, copied_as: str) -> int:
        [(count,)] = await self._database.execute(f"SELECT count(*) FROM files WHERE {_OUTDATED}", _named(copied_as))
        return int(count)

    def _job(self, rows: list[tuple[Any, ...]]) -> IndexingJob | None:
        """The job of the row that was claimed, if there was one."""
        if not rows:
            return None
        file_id, userid, name, kind, blob_id, size = rows[0]
        return IndexingJob(file_id, userid, name, kind, StoredBlob(self._database, blob_id, size))

    async def progress(self, file_id: str, status: Status, done: int, total: int) -> bool:
        rows = await self._database.execute(
            f"UPDATE files SET status = %s, done = %s, total = %s WHERE {_HELD} RETURNING id",
            *(status, done, total, file_id, self._worker),
        )
        return bool(rows)

    async def notice(self, file_id: str, words: str | None) -> None:
        await self._database.execute(f"UPDATE files SET notice = %s WHERE {_HELD}", words, file_id, self._worker)

    async def ready(self, file_id: str, total: int, copied_as: str = "") -> bool:
        rows = await self._database.execute(
            # Sent again after a lost answer, it finds the file ready.
            """UPDATE files
            SET status = 'ready', done = %(total)s, total = %(total)s, worker = NULL, indexed_by = %(me)s,
            copied_as = %(copied_as)s
            WHERE id = %(id)s AND deleted_at IS NULL AND (worker = %(me)s OR status = 'ready' AND indexed_by = %(me)s)
            RETURNING id""",
            {"id": file_id, "total": total, "me": self._worker, "copied_as": copied_as},
        )
        return bool(rows)

    async def fail(self, file_id: str, error: str) -> None:
        rows = await self._database.execute(
            f"""WITH held AS (SELECT number, blob_id FROM files WHERE {_HELD} FOR UPDATE),
            gone AS (DELETE FROM pieces USING held WHERE pieces.blob_id = held.blob_id)
            UPDATE files SET status = 'failed', error = %s, blob_id = NULL, worker = NULL FROM held
            WHERE files.number = held.number RETURNING userid""",
            *(file_id, self._worker, error),
        )
        for (userid,) in rows:
            await self._database.execute(*limit_failures(userid))

    async def waiting(self) -> dict[Status, int]:
        rows = await self._database.execute(
            """SELECT status, count(*) FROM files
            WHERE (status = 'queued' OR worker IS NOT NULL) AND status <> 'ready' AND deleted_at IS NULL
            GROUP BY status"""
        )
        return dict(rows)

    async def give_back(self, file_id: str) -> None:
        await self._database.execute(*_put_back("id = %s AND worker = %s", file_id, self._worker))

    async def release(self) -> None:
        await self._database.execute(*_put_back("worker = %s", self._worker))


def _named(copied_as: str) -> dict[str, Any]:
    return dict(zip(("compared", "copied_as"), compared(copied_as), strict=True))


def _put_back(which: str, *values: str) -> Statement:
    return (
        # A ready file that is copied once more stays ready.
        f"""UPDATE files SET status = CASE status WHEN 'ready' THEN 'ready' ELSE 'queued' END, worker = NULL
        WHERE number IN (
        SELECT number FROM files WHERE {which} FOR UPDATE SKIP LOCKED)""",
        *values,
    )
