"""The queue of files that wait to be indexed. One process claims a file; if it dies, another takes over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from ....concurrency.liveness import Liveness
from ....messages import now_ms
from ...files import BYTES_PER_MS, MAX_BYTES, compared
from ...values import IndexingJob, Status
from ..database import Database
from ..sqlite import connect, database_errors, integer, storage_errors, text
from .blob import StoredBlob
from .failures import limit_failures
from .rows import blob_path

# A ready file that is copied once more stays ready.
_GIVE_BACK = "UPDATE files SET status = CASE status WHEN 'ready' THEN 'ready' ELSE 'queued' END, worker = NULL"
_OUTDATED = "status = 'ready' AND substr(copied_as, 1, ?) <> ? AND deleted_at IS NULL"
log = logging.getLogger("mockbackend.storage")


def queue_again(path: Path) -> None:
    """Queue all files that were ready, in the metadata database at `path`: what was read out of them is gone."""
    with database_errors(path), closing(connect(path)) as connection, connection:
        count = connection.execute(
            """UPDATE files SET status = 'queued', done = 0, total = 0
            WHERE status = 'ready' AND blob IS NOT NULL AND deleted_at IS NULL"""
        ).rowcount
    if count:
        log.warning("documents.db was not there: %d files are being indexed again", count)


class Queue:
    """The contract's Queue, in the table `files`."""

    def __init__(self, database: Database, folder: Path, liveness: Liveness) -> None:
        self._database = database
        self._folder = folder
        self._liveness = liveness
        self._worker = liveness.id

    async def claim(self, busy: Collection[str] = (), largest: int = MAX_BYTES) -> IndexingJob | None:
        holders = await self._database.execute(
            "SELECT DISTINCT worker FROM files WHERE worker IS NOT NULL AND worker <> ?", self._worker
        )
        for (holder,) in holders:
            if not self._liveness.is_alive(holder):
                await self._put_back(holder)
        rows = await self._database.execute(
            """UPDATE files SET worker = ?, claimed_at = ?, status = 'extracting', done = 0, total = 0
            WHERE rowid = (
                WITH users AS MATERIALIZED (
                    SELECT userid, (SELECT max(claimed_at) FROM files WHERE files.userid = waiting.userid) AS served
                    FROM (SELECT DISTINCT userid FROM files WHERE status = 'queued' AND deleted_at IS NULL
                        AND userid NOT IN (SELECT value FROM json_each(?))) waiting)
                SELECT f.rowid FROM files f JOIN users USING (userid)
                WHERE status = 'queued' AND deleted_at IS NULL AND size <= ?
                ORDER BY served NULLS FIRST, created_at + size / ?, f.rowid LIMIT 1)
            RETURNING id, userid, name, kind, blob, size""",
            *(self._worker, now_ms(), orjson.dumps(list(busy)).decode(), largest, BYTES_PER_MS),
        )
        return self._job(rows)

    async def claim_outdated(self, copied_as: str) -> IndexingJob | None:
        return self._job(
            await self._database.execute(
                f"""UPDATE files SET worker = ? WHERE rowid = (
                    SELECT rowid FROM files WHERE {_OUTDATED} AND worker IS NULL AND blob IS NOT NULL
                    ORDER BY created_at, rowid LIMIT 1) RETURNING id, userid, name, kind, blob, size""",
                *(self._worker, *compared(copied_as)),
            )
        )

    async def outdated(self, copied_as: str) -> int:
        [(count,)] = await self._database.execute(f"SELECT count(*) FROM files WHERE {_OUTDATED}", *compared(copied_as))
        return int(count)

    def _job(self, rows: list[tuple[Any, ...]]) -> IndexingJob | None:
        """The job of the row that was claimed, if there was one."""
        if not rows:
            return None
        file_id, userid, name, kind, blob, size = rows[0]
        return IndexingJob(
            file_id, text(userid), text(name), text(kind), StoredBlob(blob_path(self._folder, blob), integer(size))
        )

    async def progress(self, file_id: str, status: Status, done: int, total: int) -> bool:
        rows = await self._database.execute(
            """UPDATE files SET status = ?, done = ?, total = ?
            WHERE id = ? AND worker = ? AND deleted_at IS NULL RETURNING id""",
            *(status, done, total, file_id, self._worker),
        )
        return bool(rows)

    async def notice(self, file_id: str, words: str | None) -> None:
        await self._database.execute(
            "UPDATE files SET notice = ? WHERE id = ? AND worker = ?", *(words, file_id, self._worker)
        )

    async def ready(self, file_id: str, total: int, copied_as: str = "") -> bool:
        rows = await self._database.execute(
            """UPDATE files SET status = 'ready', done = ?, total = ?, worker = NULL, copied_as = ?
            WHERE id = ? AND worker = ? AND deleted_at IS NULL RETURNING id""",
            *(total, total, copied_as, file_id, self._worker),
        )
        return bool(rows)

    async def fail(self, file_id: str, error: str) -> None:
        held = "id = ? AND worker = ? AND deleted_at IS NULL"
        rows = await self._database.execute(f"SELECT blob, userid FROM files WHERE {held}", file_id, self._worker)
        await self._database.execute(
            f"UPDATE files SET status = 'failed', error = ?, blob = NULL, worker = NULL WHERE {held}",
            *(error, file_id, self._worker),
        )
        for blob, userid in rows:
            with storage_errors():
                await asyncio.to_thread(blob_path(self._folder, blob).unlink, missing_ok=True)
            await limit_failures(self._database, userid)

    async def waiting(self) -> dict[Status, int]:
        rows = await self._database.execute(
            """SELECT status, count(*) FROM files
            WHERE (status = 'queued' OR worker IS NOT NULL) AND status <> 'ready' AND deleted_at IS NULL
            GROUP BY status"""
        )
        return dict(rows)

    async def give_back(self, file_id: str) -> None:
        await self._database.execute(f"{_GIVE_BACK} WHERE id = ? AND worker = ?", *(file_id, self._worker))

    async def release(self) -> None:
        await self._put_back(self._worker)

    async def _put_back(self, holder: str) -> None:
        await self._database.execute(f"{_GIVE_BACK} WHERE worker = ?", holder)
