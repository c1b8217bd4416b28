"""Reading settled messages, on a thread of its own: no turn waits while somebody reads a long conversation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ...messages import Message
from ..bounds import LARGEST, bounded
from ..stored_messages import WholeHistory
from . import sqlite
from .reading import HistoryReader, Piece
from .serde import Serde
from .sqlite import storage_errors


class History(WholeHistory):
    """A reader of the saver's database."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite.connect(path)
        self._connection.text_factory = sqlite.text
        self._reader = HistoryReader(self._connection, Serde())
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="history")

    async def pieces(
        self, conversation_id: str, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[list[Message]]:
        length = LARGEST if length is None else bounded(length)
        pieces = self._reader.pieces(conversation_id, bounded(start), length)
        nothing = Piece([], is_last=True)
        is_last = False
        while not is_last:
            # Others' pieces come in between.
            with storage_errors():
                found = await asyncio.get_running_loop().run_in_executor(self._thread, next, pieces, nothing)
            messages, is_last = found
            yield messages

    async def close(self) -> None:
        """Close the connection once what is under way is done."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()
