"""The files as their owners see them. Every call of a user's names the owner."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson

from ....messages import now_ms
from ..database import Database
from .incoming import Incoming
from .rows import COLUMNS, File, Limits

# Bound to a JSON list of ids.
_THESE = "id IN (SELECT value FROM json_each(?))"


class Files:
    """The table `files`, and the folder of the same name, as process `worker` sees them."""

    def __init__(self, database: Database, folder: Path, worker: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._database = database
        self._folder = folder
        self._worker = worker
        self._coming: Counter[str] = Counter()

    def receive(self, userid: str, name: str, limits: Limits) -> Incoming:
        """Begin to receive a file that is to be the user's."""
        path = self._folder / f"{uuid.uuid4().hex}.{self._worker}"
        return Incoming(self._database, path, userid, name, limits, self._coming)

    async def listing(self, userid: str) -> list[File]:
        """The user's files, the newest first: all of them, since their number is limited."""
        rows = await self._database.execute(
            f"""SELECT {COLUMNS} FROM files WHERE userid = ? AND deleted_at IS NULL
            ORDER BY created_at DESC, rowid DESC""",
            userid,
        )
        return [File(*row) for row in rows]

    async def get(self, userid: str, file_id: str) -> File | None:
        """The user's file of that id."""
        found = await self._found(userid, [file_id])
        return found[0] if found else None

    async def content(self, userid: str, file_id: str) -> tuple[Path, File] | None:
        """Where the bytes of the user's file are; None for one that has failed, too."""
        rows = await self._database.execute(
            f"""SELECT blob, {COLUMNS} FROM files
            WHERE userid = ? AND id = ? AND blob IS NOT NULL AND deleted_at IS NULL""",
            *(userid, file_id),
        )
        return (self._folder / rows[0][0], File(*rows[0][1:])) if rows else None

    async def has_ready(self, userid: str, file_ids: Sequence[str] | None) -> bool:
        """Whether something can be found in the user's files, or in those of them."""
        which, values = ("", []) if file_ids is None else (f"AND {_THESE}", [orjson.dumps(list(file_ids)).decode()])
        rows = await self._database.execute(
            f"SELECT 1 FROM files WHERE userid = ? AND status = 'ready' AND deleted_at IS NULL {which} LIMIT 1",
            *(userid, *values),
        )
        return bool(rows)

    async def named(self, userid: str, file_ids: Sequence[str]) -> dict[str, File]:
        """Those of the ids that are the user's ready files, with their rows."""
        return {file.id: file for file in await self._found(userid, file_ids) if file.status == "ready"}

    async def missing(self, userid: str, file_ids: Sequence[str]) -> list[str]:
        """Those of the ids that are no files of the user's, in their order."""
        theirs = {file.id for file in await self._found(userid, file_ids)}
        return [file_id for file_id in file_ids if file_id not in theirs]

    async def hide(self, userid: str, file_id: str) -> bool:
        """Begin to delete: from now on the file does not exist for anybody. False where there was none."""
        rows = await self._database.execute(
            "UPDATE files SET deleted_at = ? WHERE id = ? AND userid = ? AND deleted_at IS NULL RETURNING id",
            *(now_ms(), file_id, userid),
        )
        return bool(rows)

    async def hidden(self) -> list[tuple[str, str]]:
        """Owner and id of the files whose deletion has begun and not ended."""
        rows = await self._database.execute("SELECT userid, id FROM files WHERE deleted_at IS NOT NULL")
        return [(userid, file_id) for userid, file_id in rows]

    async def forget(self, file_id: str) -> None:
        """End a deletion: the last step, once everything else of the file is gone."""
        hidden = "id = ? AND deleted_at IS NOT NULL"
        rows = await self._database.execute(f"SELECT blob FROM files WHERE {hidden} AND blob IS NOT NULL", file_id)
        for (blob,) in rows:
            await asyncio.to_thread((self._folder / blob).unlink, missing_ok=True)
        await self._database.execute(f"DELETE FROM files WHERE {hidden}", file_id)

    async def clean(self, is_alive: Callable[[str], bool]) -> None:
        """Remove what dead processes had received and no row names."""
        paths = await asyncio.to_thread(lambda: list(self._folder.iterdir()))
        living = {writer: is_alive(writer) for writer in {path.suffix.removeprefix(".") for path in paths}}
        # Read after that: what a dead process has named it has named by now.
        named = {blob for (blob,) in await self._database.execute("SELECT blob FROM files WHERE blob IS NOT NULL")}
        for path in paths:
            if not living[path.suffix.removeprefix(".")] and path.name not in named:
                await asyncio.to_thread(path.unlink, missing_ok=True)

    async def _found(self, userid: str, file_ids: Sequence[str]) -> list[File]:
        rows = await self._database.execute(
            f"SELECT {COLUMNS} FROM files WHERE userid = ? AND deleted_at IS NULL AND {_THESE}",
            *(userid, orjson.dumps(list(file_ids)).decode()),
        )
        return [File(*row) for row in rows]
