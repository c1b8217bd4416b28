"""The claim of a turn on the database's thread: with a file where its messages need one, and undone with its caller."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from ...messages import now_ms
from ..casefold import casefold
from ..values import Claimed, Turn
from .database import Database, Session
from .sqlite import storage_errors
from .turn_files import TooLargeForRow, TurnFiles

RETITLE = "UPDATE conversations SET title = ?, casefolded_title = ? WHERE id = ?"
_OVER = "UPDATE turns SET over_at = ? WHERE conversation_id = ? AND turn_id = ? AND over_at IS NULL"
T = TypeVar("T")


class Claiming:
    """The claims of one process."""

    def __init__(self, database: Database, files: TurnFiles) -> None:
        self._database = database
        self._files = files
        # The turns that are claimed and not over: nobody has written anything of their end.
        self.turn_ids: set[str] = set()
        self._beginning = 0

    @property
    def is_busy(self) -> bool:
        """Whether a turn begins or runs."""
        return bool(self._beginning or self.turn_ids)

    async def run(self, work: Callable[[Session], T], claimed: list[Claimed]) -> T:
        """Run `work` on the database's thread. If the caller is cancelled, withdraw what it put into `claimed`."""

        def withdraw(session: Session) -> None:
            for turn, is_new, title in claimed:
                self.turn_ids.discard(turn.turn_id)
                self._files.remove(turn.turn_id)
                with session.transaction() as execute:
                    execute(_OVER, now_ms(), turn.conversation_id, turn.turn_id)
                    if is_new:
                        execute("DELETE FROM conversations WHERE id = ? AND version = 0", turn.conversation_id)
                    elif title is not None:
                        execute(RETITLE, title, casefold(title), turn.conversation_id)

        written: set[str] = set()

        def forget(session: Session) -> None:
            for turn_id in written.difference(turn.turn_id for turn, _, _ in claimed):
                with suppress(OSError):
                    self._files.remove(turn_id)

        self._beginning += 1
        try:
            while True:
                try:
                    return await self._database.run(work)
                except TooLargeForRow as large:
                    written.add(large.turn.turn_id)
                    await self._write_file(large.turn)
        except BaseException:
            # If the waiter is cancelled, the thread may still be at `work`, or stuck in it; this comes after that.
            self._database.post(withdraw)
            raise
        finally:
            self._beginning -= 1
            if written:
                self._database.post(forget)

    async def _write_file(self, turn: Turn) -> None:
        # A thread goes on when its waiter is cancelled, and would write a file after it was removed.
        writing = asyncio.ensure_future(asyncio.to_thread(self._files.write, turn))
        try:
            with storage_errors():
                await asyncio.shield(writing)
        except BaseException:
            await asyncio.wait([writing])
            raise
