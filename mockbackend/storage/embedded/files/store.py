"""The files as their owners see them. Every call made for a user names the owner."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Awaitable, Sequence
from pathlib import Path

import orjson

from ....concurrency.liveness import Liveness
from ....messages import now_ms
from ...bounds import bounded
from ...values import DiskFull, File, FileLimits
from ..database import Database
from ..reserve import Reserve
from ..sqlite import Row, storage_errors
from .blob import StoredBlob
from .rows import BLOB, COLUMNS, blob_path, decode_file
from .upload import Upload

_HIDDEN = "id = ? AND deleted_at IS NOT NULL"
# Bound to a JSON list of ids.
_THESE = "id IN (SELECT value FROM json_each(?))"


class Files:
    """The contract's Files: the table `files` and the folder of the same name."""

    def __init__(self, database: Database, folder: Path, liveness: Liveness, reserve: Reserve) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._database = database
        self._folder = folder
        self._liveness = liveness
        self._reserve = reserve
        self._receiving: Counter[str] = Counter()

    def receive(self, userid: str, name: str, limits: FileLimits) -> Upload:
        path = self._folder / f"{uuid.uuid4().hex}.{self._liveness.id}"
        return Upload(self._database, path, userid, name, limits, self._receiving)

    async def listing(self, userid: str) -> list[File]:
        rows = await self._database.execute(
            f"""SELECT {COLUMNS} FROM files WHERE userid = ? AND deleted_at IS NULL
            ORDER BY created_at DESC, rowid DESC""",
            userid,
        )
        return [decode_file(row) for row in rows]

    async def get(self, userid: str, file_id: str) -> File | None:
        return (await self.named(userid, [file_id])).get(file_id)

    async def content(self, userid: str, file_id: str) -> tuple[File, StoredBlob] | None:
        rows = await self._database.execute(
            f"""SELECT blob, {COLUMNS} FROM files
            WHERE userid = ? AND id = ? AND blob IS NOT NULL AND deleted_at IS NULL""",
            *(userid, file_id),
        )
        if not rows:
            return None
        file = decode_file(rows[0][1:])
        return file, StoredBlob(blob_path(self._folder, rows[0][0]), file.size)

    async def unready(self, userid: str, file_ids: Sequence[str] | None, limit: int) -> list[File]:
        which, values = ("", []) if file_ids is None else (f"AND {_THESE}", [orjson.dumps(list(file_ids)).decode()])
        rows = await self._database.execute(
            f"""SELECT {COLUMNS} FROM files WHERE userid = ? AND status <> 'ready' AND deleted_at IS NULL {which}
            ORDER BY created_at DESC, rowid DESC LIMIT ?""",
            *(userid, *values, bounded(limit)),
        )
        return [decode_file(row) for row in rows]

    async def named(self, userid: str, file_ids: Sequence[str]) -> dict[str, File]:
        rows = await self._database.execute(
            f"SELECT {COLUMNS} FROM files WHERE userid = ? AND deleted_at IS NULL AND {_THESE}",
            *(userid, orjson.dumps(list(file_ids)).decode()),
        )
        return {file.id: file for file in map(decode_file, rows)}

    async def hide(self, userid: str, file_id: str) -> bool:
        def hide() -> Awaitable[list[Row]]:
            return self._database.execute(
                "UPDATE files SET deleted_at = ? WHERE id = ? AND userid = ? AND deleted_at IS NULL RETURNING id",
                *(now_ms(), file_id, userid),
            )

        try:
            return bool(await self._reserve.spend(hide))
        except DiskFull:
            # There is no reserve left: only the file itself can make room.
            await self._unlink("id = ? AND userid = ?", file_id, userid)
            return bool(await hide())

    async def hidden(self) -> list[tuple[str, str]]:
        rows = await self._database.execute("SELECT userid, id FROM files WHERE deleted_at IS NOT NULL")
        return [(userid, file_id) for userid, file_id in rows]

    async def empty(self, file_id: str) -> None:
        await self._unlink(_HIDDEN, file_id)

    async def forget(self, file_id: str) -> None:
        await self.empty(file_id)
        await self._database.execute(f"DELETE FROM files WHERE {_HIDDEN}", file_id)

    async def clean(self) -> None:
        # What has another name is somebody else's, such as the `lost+found` of a volume.
        paths = await asyncio.to_thread(lambda: [path for path in self._folder.iterdir() if BLOB.fullmatch(path.name)])
        living = {
            writer: self._liveness.is_alive(writer) for writer in {path.suffix.removeprefix(".") for path in paths}
        }
        # Read the rows afterwards: a process that is dead by now adds no more of them.
        named = {blob for (blob,) in await self._database.execute("SELECT blob FROM files WHERE blob IS NOT NULL")}
        for path in paths:
            if not living[path.suffix.removeprefix(".")] and path.name not in named:
                await asyncio.to_thread(path.unlink, missing_ok=True)

    async def _unlink(self, where: str, *values: str) -> None:
        rows = await self._database.execute(f"SELECT blob FROM files WHERE {where} AND blob IS NOT NULL", *values)
        for (blob,) in rows:
            with storage_errors():
                await asyncio.to_thread(blob_path(self._folder, blob).unlink, missing_ok=True)
