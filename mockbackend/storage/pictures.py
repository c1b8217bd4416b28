"""Pictures: a file each under an unguessable token, and a row that says whose it is.

The row is written before the file and removed after it, so that no file is ever without one.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from ..messages import now_ms
from .database import Database


@dataclass(frozen=True, slots=True)
class Picture:
    """A stored picture: its bytes and their media type."""

    media_type: str
    content: bytes


class Pictures:
    """The table `pictures`, and the folder of the same name."""

    def __init__(self, database: Database, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._database = database
        self._folder = folder

    async def put(self, userid: str, conversation_id: str, picture: Picture) -> str:
        """Store a picture of that conversation; returns its token (192 bits)."""
        token = secrets.token_urlsafe(24)
        await self._database.run(
            "INSERT INTO pictures (token, conversation_id, userid, media_type, created_at) VALUES (?, ?, ?, ?, ?)",
            *(token, conversation_id, userid, picture.media_type, now_ms()),
        )
        await asyncio.to_thread(self._write, token, picture.content)
        return token

    async def get(self, token: str) -> Picture | None:
        """The picture of that token."""
        rows = await self._database.run("SELECT media_type FROM pictures WHERE token = ?", token)
        if not rows:
            return None
        try:
            return Picture(rows[0][0], await asyncio.to_thread((self._folder / token).read_bytes))
        except FileNotFoundError:
            return None

    async def is_owner(self, userid: str, token: str) -> bool:
        """Whether that picture is one of the user's."""
        return bool(await self._database.run("SELECT 1 FROM pictures WHERE token = ? AND userid = ?", token, userid))

    async def forget(self, conversation_id: str) -> None:
        """Remove all pictures of a conversation, files first."""
        rows = await self._database.run("SELECT token FROM pictures WHERE conversation_id = ?", conversation_id)
        for (token,) in rows:
            await asyncio.to_thread((self._folder / token).unlink, missing_ok=True)
        await self._database.run("DELETE FROM pictures WHERE conversation_id = ?", conversation_id)

    def _write(self, token: str, content: bytes) -> None:
        temporary = self._folder / f"{token}.part"
        try:
            temporary.write_bytes(content)
            os.replace(temporary, self._folder / token)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
