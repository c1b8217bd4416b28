"""The table `messages`: the settled messages of conversations, a row each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import orjson

from ...messages import Message, is_much
from ..bounds import MOST_MESSAGES, bounded
from ..stored_messages import WholeHistory, has_shape, unreadable
from ..values import HistoryChanged
from .database import Database, Row

log = logging.getLogger("mockbackend.storage")
PIECE_BYTES = 256 * 1024
READ = "SELECT body FROM messages WHERE conversation_id = %s ORDER BY position"
# The first piece, the sizes of the rest and a digest of the last message, in one state.
_FIRST = """SELECT position, size, CASE WHEN before < %(piece)s THEN body END,
    CASE WHEN before >= %(piece)s AND is_last THEN sha256(body) END
    FROM (SELECT position, body, length(body) AS size, sum(length(body)) OVER w - length(body) AS before,
            lead(position) OVER w IS NULL AS is_last
        FROM messages WHERE conversation_id = %(conversation_id)s AND position >= %(start)s AND position < %(length)s
        WINDOW w AS (ORDER BY position)) m ORDER BY position"""
_NEXT = """SELECT position, body FROM messages WHERE conversation_id = %(conversation_id)s
    AND position BETWEEN %(first)s AND %(last)s AND EXISTS (SELECT 1 FROM messages
        WHERE conversation_id = %(conversation_id)s AND position = %(end)s AND sha256(body) = %(digest)s)
    ORDER BY position"""


class History(WholeHistory):
    """The contract's History. A turn replaces all that follows its place: what the last message tells holds for all."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pieces(
        self, conversation_id: str, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[list[Message]]:
        of_all: dict[str, Any] = {
            "conversation_id": conversation_id,
            "piece": PIECE_BYTES,
            "start": bounded(start, most=MOST_MESSAGES),
            "length": MOST_MESSAGES if length is None else bounded(length, most=MOST_MESSAGES),
        }
        rows = await self._database.execute(_FIRST, of_all)
        yield await decoded(conversation_id, [(place, body) for place, _, body, _ in rows if body is not None])
        rest = [(place, size) for place, size, body, _ in rows if body is None]
        for first, last in _ranges(rest):
            ends = {"first": first, "last": last, "end": rows[-1][0], "digest": rows[-1][3]}
            found = await self._database.execute(_NEXT, {**of_all, **ends})
            if not found:
                raise HistoryChanged
            yield await decoded(conversation_id, found)


def _ranges(sizes: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The first and the last place of each piece of these, which have places and sizes."""
    first, size = None, 0
    for place, its_size in sizes:
        first = place if first is None else first
        size += its_size
        if size > PIECE_BYTES or place == sizes[-1][0]:
            yield first, place
            first, size = None, 0


async def decoded(conversation_id: str, rows: list[Row]) -> list[Message]:
    """The messages of these places and bodies. In place of one that cannot be read is one that says so."""

    def work() -> list[Message]:
        return [_decoded(conversation_id, place, body) for place, body in rows]

    if is_much(len(rows), (len(body) for _, body in rows)):
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
