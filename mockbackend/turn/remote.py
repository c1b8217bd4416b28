"""A turn that another process runs, followed through the log in its row."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

from ..events import DAMAGED, DELTAS, Event, TurnEnded, load
from ..storage import DamagedHistory, StorageError, Turn, Turns
from .answer import Answer
from .recovery import Recovery

POLL_SECONDS = 0.05
# Other streams should not wait while a long log is parsed.
LARGE_BYTES = 256 * 1024
LOST = "The answer went on where it cannot be followed. Please reload the conversation."


class RemoteReader:
    """One connection's place in a turn of another process, which it settles if that process dies."""

    def __init__(self, turn: Turn, turns: Turns, recovery: Recovery) -> None:
        self._turn = turn
        self._log = turns.follow(turn)
        self._recovery = recovery
        self._read = b""
        self._seen: list[Event] = []
        self._woken = asyncio.Event()
        self._ended = False

    def wake(self) -> None:
        """Make a waiting `next` return."""
        self._woken.set()

    async def next(self) -> list[Event] | None:
        """The new events. Waits if there are no new ones; [] if woken, None after the last event."""
        while not self._ended:
            try:
                new = await self._look()
            except (*DAMAGED, DamagedHistory, StorageError):
                new = None
            if new is None:
                self._ended = True
                return self._closing()
            if new:
                return new
            if not self._ended and await self._wait():
                return []
        return None

    async def _look(self) -> list[Event] | None:
        """What has been said since the last look. None if the row is gone."""
        found = await self._log.read()
        if found and not found.is_over and not found.is_elsewhere:
            # Nobody else may notice that its process is dead.
            await self._recovery.running(self._turn.conversation_id)
            found = await self._log.read()
        if found is None:
            return None
        self._ended = found.is_over
        if found.log == self._read:
            return []
        before, self._read, self._seen = self._seen, found.log, await _loaded(found.log)
        return grown(before, self._seen)

    def close(self) -> None:
        """Do nothing: this reader holds no resources."""

    @property
    def is_over(self) -> bool:
        """Whether the turn has ended, as far as this reader has seen."""
        return self._ended

    def leaves(self, size: int) -> bool:
        """Nothing: what is unread is in the turn's row."""
        return False

    async def _wait(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await self._woken.wait()
        # Cleared only here: a wake-up that comes while the row is being read must not be lost.
        woken = self._woken.is_set()
        self._woken.clear()
        return woken

    def _closing(self) -> list[Event]:
        turn = self._turn
        answer = Answer(turn)
        for event in self._seen:
            answer.emit(event)
        answer.fail(LOST)
        answer.emit(TurnEnded("error", answer.usage))
        return answer.events[len(self._seen) :]


async def _loaded(log: bytes) -> list[Event]:
    return await asyncio.to_thread(load, log) if len(log) > LARGE_BYTES else load(log)


def grown(before: list[Event], after: list[Event]) -> list[Event]:
    """What a log says beyond its earlier state. Its last words may have become longer."""
    if not before:
        return after
    last, *new = after[len(before) - 1 :]
    field = DELTAS.get(type(last))
    if field is None or last == before[-1]:
        return new
    fragment = getattr(last, field)[len(getattr(before[-1], field)) :]
    return [replace(last, **{field: fragment}), *new]
