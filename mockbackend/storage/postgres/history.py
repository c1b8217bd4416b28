"""The table `messages`: the settled messages of conversations, a row each."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import orjson

from ...messages import Message, is_much
from ..stored_messages import has_shape, unreadable
from .database import Database

log = logging.getLogger("mockbackend.storage")
READ = "SELECT body FROM messages WHERE conversation_id = %s ORDER BY position"


class History:
    """The contract's History."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, conversation_id: str) -> list[Message]:
        return await decoded(conversation_id, await self._database.execute(READ, conversation_id))


async def decoded(conversation_id: str, rows: list[tuple[Any, ...]]) -> list[Message]:
    """The messages of these bodies. In place of one that cannot be read is one that says so."""

    def work() -> list[Message]:
        return [_decoded(conversation_id, place, body) for place, (body,) in enumerate(rows)]

    if is_much(len(rows), (len(body) for (body,) in rows)):
        return await asyncio.to_thread(work)
    return work()


def _decoded(conversation_id: str, place: int, body: bytes) -> Message:
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError:
        message = None
    if has_shape(message):
        return message  # type: ignore[no-any-return]
    log.error("message %d of conversation %s cannot be read", place, conversation_id)
    # Questions and answers take turns, but for lists that came from elsewhere.
    return unreadable(place, 1)[0] if place % 2 == 0 else unreadable(place - 1, 2)[1]
