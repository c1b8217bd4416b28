"""The table `messages`: the settled messages of conversations, a row each."""

from __future__ import annotations

from typing import Any

import orjson

from ...messages import Message
from ..values import DamagedHistory
from .database import Database

READ = "SELECT body FROM messages WHERE conversation_id = %s ORDER BY position"


class History:
    """The contract's History."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, conversation_id: str) -> list[Message]:
        return decoded(conversation_id, await self._database.execute(READ, conversation_id))


def decoded(conversation_id: str, rows: list[tuple[Any, ...]]) -> list[Message]:
    """The messages of these bodies. Raises DamagedHistory."""
    try:
        return [orjson.loads(body) for (body,) in rows]
    except orjson.JSONDecodeError as error:
        raise DamagedHistory(conversation_id) from error
