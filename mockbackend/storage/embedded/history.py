"""Reading settled messages, on a thread of its own: no turn waits while somebody reads a long conversation."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ...messages import Message
from .checkpoints import Checkpoints
from .sqlite import storage_errors


class History:
    """A reader of the saver's database."""

    def __init__(self, path: Path) -> None:
        self._checkpoints = Checkpoints(path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="history")

    async def read(self, conversation_id: str) -> list[Message]:
        """All messages of a conversation, oldest first; [] for an unknown one."""
        loop = asyncio.get_running_loop()
        with storage_errors():
            return await loop.run_in_executor(self._thread, self._checkpoints.read, conversation_id)

    async def close(self) -> None:
        """Close the connection once what is under way is done."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._checkpoints.conn.close)
        self._thread.shutdown()
