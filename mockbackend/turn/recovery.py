"""Turns that a dead process left: settled by the next process that looks at them."""

from __future__ import annotations

import asyncio
import logging

from ..storage import RunningTurn, Storage, StorageError, traceback_of
from .ending import recover
from .heartbeat import Heartbeat
from .registry import RunRegistry

log = logging.getLogger("mockbackend.turn")


class Recovery:
    """The search for running turns, which settles those whose process is gone."""

    def __init__(self, storage: Storage, registry: RunRegistry, heartbeat: Heartbeat) -> None:
        self._storage = storage
        self._registry = registry
        self._heartbeat = heartbeat
        self._recovering = asyncio.Lock()

    async def running(self, conversation_id: str) -> RunningTurn | None:
        """The conversation's running turn. A turn whose process died is settled instead, and None returned."""
        running, is_settled = await self._running_or_settled(conversation_id)
        if is_settled:
            # What its process made and the answer does not show.
            await self._storage.images.clean()
            self._heartbeat.start()
        return running

    async def settle_again(self) -> None:
        """Settle the turns of this process whose end the storage has cut short. Raises StorageError if it still does.

        Until then each of them counts as a running one, and its answer is not found.
        """
        for conversation_id in list(self._registry.unsettled):
            try:
                running = await self.running(conversation_id)
            except StorageError:
                raise
            except Exception as error:
                running = None
                log.error(
                    "the turn of conversation %s cannot be settled: %s",
                    conversation_id,
                    error,
                    exc_info=traceback_of(error),
                )
            if running is None:
                self._registry.unsettled.discard(conversation_id)

    async def recover_all(self) -> None:
        """Settle every turn that a dead process left. One that cannot be settled does not hold up the others."""
        for conversation_id in await self._storage.turns.recoverable():
            # Rows of turns that are over go with its beats, however long this takes.
            self._heartbeat.start()
            try:
                await self._running_or_settled(conversation_id)
            except Exception as error:
                log.error(
                    "the turn of a dead process in conversation %s cannot be settled: %s",
                    conversation_id,
                    error,
                    exc_info=traceback_of(error),
                )
        self._heartbeat.start()

    async def _running_or_settled(self, conversation_id: str) -> tuple[RunningTurn | None, bool]:
        """The conversation's running turn, and whether there was a dead one that has been settled."""
        running = await self._storage.turns.running(conversation_id)
        if running is None or self._is_alive(running):
            return running, False
        async with self._recovering:
            running = await self._storage.turns.running(conversation_id)
            if running is None or self._is_alive(running):
                # Another request settled the dead turn while this one waited, and a new turn may run by now.
                return running, False
            await recover(self._storage, running)
        return None, True

    def _is_alive(self, running: RunningTurn) -> bool:
        if running.is_ours:
            return self._registry.is_alive(running.turn.turn_id)
        return running.is_alive
