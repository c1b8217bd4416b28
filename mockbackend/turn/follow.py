"""Reading, joining, stopping and deleting conversations, in whichever process their turn runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from ..messages import Message
from ..storage import DamagedHistory, Storage, StorageError, Turn, traceback_of
from .joins import Joins
from .recovery import Recovery
from .registry import RunRegistry
from .remote import RemoteTurns
from .run import Reader

log = logging.getLogger("mockbackend.turn")


class Follower:
    """What clients may do with a conversation while a turn runs in it."""

    def __init__(self, storage: Storage, registry: RunRegistry, recovery: Recovery, joins: Joins) -> None:
        self._storage = storage
        self._registry = registry
        self._recovery = recovery
        self._joins = joins
        self._remote = RemoteTurns(storage.turns, recovery)
        # The ids of conversations whose deletion the storage has cut short.
        self._undeleted: set[str] = set()

    async def read(self, conversation_id: str) -> AsyncGenerator[list[Message]]:
        """The conversation's messages, some at a time, without the running answer, which the reader may join.

        Raises HistoryChanged where some of them have been replaced since the first piece.
        """
        found = await self._recovery.running(conversation_id)
        running = found.turn if found else None
        while True:
            pieces = self._storage.history.pieces(conversation_id, length=running.base_length if running else None)
            async with aclosing(pieces):
                piece = await anext(pieces)
                found = await self._storage.turns.running(conversation_id)
                turn, running = running, found.turn if found else None
                # If a turn began or ended meanwhile, the history may be from before or after that: look again.
                if (running and running.turn_id) != (turn and turn.turn_id):
                    continue
                yield piece
                async for piece in pieces:
                    yield piece
            if running is not None:
                yield running.new_messages
            return

    async def follow(self, conversation_id: str) -> tuple[Turn, Reader] | None:
        """The conversation's running turn, and a reader at its first event. Raises ServiceError: 429."""
        running = await self._recovery.running(conversation_id)
        if running is None:
            return None
        turn = running.turn
        # Before another process's log is read.
        self._joins.check(turn.userid)
        followed = self._registry.find(turn.turn_id) or await self._remote.find(turn)
        return turn, self._joins.reader(turn.userid, followed)

    async def stop(self, conversation_id: str) -> None:
        """End the conversation's running turn. Returns once it is stored."""
        running = await self._recovery.running(conversation_id)
        if running is None:
            return
        if run := self._registry.find(running.turn.turn_id):
            run.answer.stop.request("stopped")
            await asyncio.shield(run.over)
            return
        await self._storage.turns.request_stop(running.turn)
        reader = Reader(await self._remote.find(running.turn))
        try:
            while await reader.next() is not None:
                pass
        finally:
            reader.close()

    async def delete(self, conversation_id: str) -> None:
        """End the deletion of a hidden conversation. May be repeated, and is if the storage fails."""
        try:
            # An answer that cannot be stored any more goes with the rest.
            with contextlib.suppress(DamagedHistory):
                await self.stop(conversation_id)
            await self._storage.conversations.erase(conversation_id)
        except StorageError:
            self._undeleted.add(conversation_id)
            raise
        self._undeleted.discard(conversation_id)

    async def close(self) -> None:
        """Follow no turn of another process any more."""
        await self._remote.close()

    async def retry_deletions(self) -> None:
        """End the deletions that the storage has cut short."""
        if self._undeleted:
            # Another process may have ended one, and its id be in use again.
            self._undeleted &= set(await self._storage.conversations.hidden())
        for conversation_id in list(self._undeleted):
            await self._finish_deletion(conversation_id)

    async def finish_deletions(self) -> None:
        """End the deletions that a crash cut short. One that fails does not hold up the others."""
        for conversation_id in await self._storage.conversations.hidden():
            await self._finish_deletion(conversation_id)

    async def _finish_deletion(self, conversation_id: str) -> None:
        try:
            await self.delete(conversation_id)
        except Exception as error:
            log.error(
                "the deletion of conversation %s cannot be finished: %s",
                conversation_id,
                error,
                exc_info=traceback_of(error),
            )
        else:
            log.info("finished the deletion of conversation %s", conversation_id)
