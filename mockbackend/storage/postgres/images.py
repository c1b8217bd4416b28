"""The table `images`: whose each is, behind an unguessable token. Its bytes are in `pieces`.

A row names the process that made the image until a settled message holds it; what a dead process made and no message
holds is removed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from ...messages import now_ms
from ...mock import drawn
from ..values import IMAGE_TYPE, Image, QuotaExceeded, StorageError
from .claims import STORING, user_lock
from .database import Database
from .pieces import StoredBlob, cut
from .processes import alive
from .spending import STORED_BYTES

# After the user's lock: what is stored at once cannot exceed the limit together.
_PUT = f"""INSERT INTO images (token, conversation_id, userid, media_type, created_at, maker, size)
    SELECT %(token)s, %(conversation_id)s, %(userid)s, %(media_type)s, %(now)s, %(maker)s, %(size)s
    WHERE {STORED_BYTES} + %(size)s <= %(user_bytes)s ON CONFLICT DO NOTHING"""
_PUT_PIECES = """INSERT INTO pieces (blob_id, userid, number, data) SELECT token, %(userid)s, number - 1, data
    FROM images, unnest(%(pieces)s::bytea[]) WITH ORDINALITY AS given (data, number)
    WHERE token = %(token)s ON CONFLICT DO NOTHING"""
_DISCARD = """WITH gone AS (DELETE FROM images WHERE token IN ({tokens}) RETURNING token)
    DELETE FROM pieces USING gone WHERE blob_id = gone.token"""
# Of a running turn's conversation they may be the turn's.
_LEFT = f"""SELECT token FROM images WHERE maker IS NOT NULL AND NOT {alive("maker")} AND NOT EXISTS (
    SELECT 1 FROM turns WHERE turns.conversation_id = images.conversation_id AND over_at IS NULL)
    FOR UPDATE SKIP LOCKED"""


class Images:
    """The contract's Images."""

    def __init__(self, database: Database, maker: str) -> None:
        self._database = database
        self._maker = maker
        # What has to go.
        self._unwanted: set[str] = set()

    async def put(self, userid: str, conversation_id: str, image: Image, *, user_bytes: int) -> str:
        token = drawn.token_urlsafe(24)
        values = {
            "token": token,
            "conversation_id": conversation_id,
            "userid": userid,
            "media_type": image.media_type,
            "now": now_ms(),
            "maker": self._maker,
            "size": len(image.content),
            "user_bytes": user_bytes,
            "pieces": cut(image.content),
        }
        try:
            *_, stored = await self._database.batch(
                user_lock(STORING, userid),
                (_PUT, values),
                (_PUT_PIECES, values),
                ("SELECT 1 FROM images WHERE token = %s", token),
            )
        except asyncio.CancelledError:
            with suppress(StorageError):
                await self._database.whole(self.discard([token]))
            raise
        except StorageError:
            # It may have been stored before the answer was lost.
            self._unwanted.add(token)
            raise
        if not stored:
            raise QuotaExceeded
        return token

    async def get(self, token: str) -> Image | None:
        rows = await self._database.execute(
            """SELECT media_type, (SELECT string_agg(data, NULL ORDER BY number) FROM pieces WHERE blob_id = token)
            FROM images WHERE token = %s""",
            token,
        )
        return Image(*rows[0]) if rows and IMAGE_TYPE.fullmatch(rows[0][0]) else None

    async def content(self, token: str) -> tuple[str, StoredBlob] | None:
        rows = await self._database.execute(
            """SELECT media_type, (SELECT sum(length(data)) FROM pieces WHERE blob_id = token)
            FROM images WHERE token = %s""",
            token,
        )
        if not rows or not IMAGE_TYPE.fullmatch(rows[0][0]):
            return None
        return rows[0][0], StoredBlob(self._database, token, int(rows[0][1]))

    async def home(self, userid: str, token: str) -> str | None:
        rows = await self._database.execute(
            "SELECT conversation_id FROM images WHERE token = %s AND userid = %s", token, userid
        )
        return rows[0][0] if rows else None

    async def discard(self, tokens: Iterable[str]) -> None:
        self._unwanted.update(tokens)
        await self._remove_unwanted()

    async def finish_removals(self) -> None:
        # It is tried again.
        with suppress(StorageError):
            await self._remove_unwanted()

    async def _remove_unwanted(self) -> None:
        if given := list(self._unwanted):
            await self._database.execute(_DISCARD.format(tokens="SELECT unnest(%s)"), given)
            self._unwanted.difference_update(given)

    async def clean(self) -> None:
        await self._database.execute(_DISCARD.format(tokens=_LEFT))
