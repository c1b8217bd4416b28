"""Images: a file each under an unguessable token, and a row that says whose it is.

The row is written before the file and removed after it, so that no file is ever without one. It names the process
that made the image until a settled message holds it; what a dead process made and no message holds is removed.
"""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import orjson

from ...concurrency.liveness import Liveness
from ...messages import Message, now_ms
from ...mock import drawn
from ..bounds import bounded
from ..stored_messages import shown_images
from ..values import IMAGE_TYPE, NOBODY, Image, QuotaExceeded, StorageError
from .database import Database, Session
from .files.blob import StoredBlob
from .spending import STORED_BYTES
from .sqlite import Execute, storage_errors, text

PART = ".part"
TOKEN = re.compile(r"[\w-]{32}", re.ASCII)


class Images:
    """The contract's Images: the table `pictures`, and the folder of the same name."""

    def __init__(self, database: Database, folder: Path, liveness: Liveness) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._database = database
        self._folder = folder
        self._liveness = liveness
        self._maker = liveness.id
        # What has to go, and the task that may still be storing it.
        self._unwanted: dict[str, asyncio.Future[None] | None] = {}

    async def put(self, userid: str, conversation_id: str, image: Image, *, user_bytes: int) -> str:
        token = drawn.token_urlsafe(24)
        # Threads go on when their waiter is cancelled: what they store then is removed after that.
        putting = asyncio.ensure_future(self._put(token, userid, conversation_id, image, user_bytes))
        try:
            await asyncio.shield(putting)
        except QuotaExceeded:
            raise
        except BaseException:
            self._unwanted[token] = putting
            with suppress(StorageError):
                await self._remove(token)
            raise
        return token

    async def _put(self, token: str, userid: str, conversation_id: str, image: Image, user_bytes: int) -> None:
        size = len(image.content)
        # One statement checks the limit and inserts, so that what is stored at once cannot exceed it together.
        rows = await self._database.execute(
            f"""INSERT INTO pictures (token, conversation_id, userid, media_type, created_at, maker, size)
            SELECT ?, ?, ?, ?, ?, ?, ? WHERE {STORED_BYTES} + ? <= ? RETURNING token""",
            *(token, conversation_id, userid, image.media_type, now_ms(), self._maker, size),
            *(userid, userid, size, bounded(user_bytes)),
        )
        if not rows:
            raise QuotaExceeded
        with storage_errors():
            await asyncio.to_thread(self._write, token, image.content)
        if await self.home(userid, token) is None:
            # It removed the row, and found no file yet.
            raise StorageError("the conversation has been deleted meanwhile")

    async def get(self, token: str) -> Image | None:
        with storage_errors(), suppress(FileNotFoundError):
            if media_type := await self._media_type(token):
                return Image(media_type, await asyncio.to_thread(self._path(token).read_bytes))
        return None

    async def content(self, token: str) -> tuple[str, StoredBlob] | None:
        path = self._path(token)
        with storage_errors(), suppress(FileNotFoundError):
            if media_type := await self._media_type(token):
                return media_type, StoredBlob(path, (await asyncio.to_thread(path.stat)).st_size)
        return None

    async def _media_type(self, token: str) -> str | None:
        rows = await self._database.execute("SELECT media_type FROM pictures WHERE token = ?", token)
        stored = text(rows[0][0]) if rows else ""
        return stored if IMAGE_TYPE.fullmatch(stored) else None

    async def home(self, userid: str, token: str) -> str | None:
        statement = "SELECT conversation_id FROM pictures WHERE token = ? AND userid = ?"
        rows = await self._database.execute(statement, token, userid)
        return text(rows[0][0]) if rows else None

    def forget(self, execute: Execute, conversation_id: str) -> None:
        """Remove all images of a conversation, on the database's thread."""
        for (token,) in execute("DELETE FROM pictures WHERE conversation_id = ? RETURNING token", conversation_id):
            self._path(token).unlink(missing_ok=True)

    def remove(self, session: Session, tokens: list[str]) -> None:
        """Remove images that are nobody's, on the database's thread. What fails is left to `finish_removals`."""
        try:
            for token in tokens:
                self._path(token).unlink(missing_ok=True)
                session.execute("DELETE FROM pictures WHERE token = ?", token)
        except (OSError, sqlite3.Error):
            self._unwanted.update(dict.fromkeys(tokens))

    async def discard(self, tokens: Iterable[str]) -> None:
        given = list(tokens)
        self._unwanted.update(dict.fromkeys(given))
        for token in given:
            await self._remove(token)

    async def finish_removals(self) -> None:
        for token in list(self._unwanted):
            # It is tried again.
            with suppress(StorageError):
                await self._remove(token)

    async def _remove(self, token: str) -> None:
        if putting := self._unwanted.get(token):
            await asyncio.wait([putting])
        # The file first: none is ever without its row.
        with storage_errors():
            await asyncio.to_thread(self._path(token).unlink, missing_ok=True)
        await self._database.execute("DELETE FROM pictures WHERE token = ?", token)
        self._unwanted.pop(token, None)

    async def clean(self) -> None:
        makers = await self._database.execute("SELECT DISTINCT maker FROM pictures WHERE maker IS NOT NULL")
        dead = [maker for (maker,) in makers if not self._liveness.is_alive(maker)]
        # Read the turns afterwards: a process that is dead by now begins no more of them.
        rows = await self._database.execute(
            f"""SELECT token FROM pictures WHERE maker IN ({", ".join("?" * len(dead))})
            AND conversation_id NOT IN (SELECT conversation_id FROM turns WHERE over_at IS NULL)""",
            *dead,
        )
        await self.discard(token for (token,) in rows)
        for path in self._folder.glob(f"*{PART}"):
            if path.is_file() and not self._liveness.is_alive(path.name.split(".")[-2]):
                path.unlink(missing_ok=True)

    def _path(self, token: object) -> Path:
        # The row may be damaged: what is not a token must not become the path of another file.
        return self._folder / (token if isinstance(token, str) and TOKEN.fullmatch(token) else "damaged")

    def _write(self, token: str, content: bytes) -> None:
        temporary = self._folder / f"{token}.{self._maker}{PART}"
        try:
            temporary.write_bytes(content)
            os.replace(temporary, self._folder / token)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


def settle_images(execute: Execute, conversation_id: str, base: int, messages: list[Message]) -> list[str]:
    """Mark what these messages show as held by them: they follow the first `base` ones of the conversation.

    Returns the images that only replaced messages have shown, marked as nobody's.
    """
    shown = shown_images(messages, base)
    for token, place in shown.items():
        # One that is shown before them as well is where it was.
        execute(
            """UPDATE pictures SET maker = NULL, shown_at = CASE
                WHEN maker IS NULL AND coalesce(shown_at, 0) < ? THEN shown_at ELSE ? END WHERE token = ?""",
            *(base, place, token),
        )
    rows = execute(
        """UPDATE pictures SET maker = ? WHERE conversation_id = ? AND maker IS NULL AND shown_at >= ?
        AND token NOT IN (SELECT value FROM json_each(?)) RETURNING token""",
        *(NOBODY, conversation_id, base, orjson.dumps(list(shown)).decode()),
    )
    return [token for (token,) in rows]
