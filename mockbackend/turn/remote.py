"""Turns that other processes run, followed through the logs in their rows, each by one task for all its readers."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from dataclasses import replace

from ..events import DAMAGED, DELTAS, Event, TurnEnded, load
from ..storage import DamagedHistory, StorageError, Turn, Turns, traceback_of
from .answer import Answer
from .recovery import Recovery
from .run import Reader

POLL_SECONDS = 0.05
# Other streams should not wait while a long log is parsed.
LARGE_BYTES = 256 * 1024
LOST = "The answer went on where it cannot be followed. Please reload the conversation."
log = logging.getLogger("mockbackend.turn")


class RemoteTurns:
    """The turns of other processes that are followed in this one."""

    def __init__(self, turns: Turns, recovery: Recovery) -> None:
        self._turns = turns
        self._recovery = recovery
        self._followed: dict[str, tuple[RemoteTurn, asyncio.Task[None]]] = {}

    async def find(self, turn: Turn) -> RemoteTurn:
        """The turn with its events so far. It is followed on if a reader enters it at once."""
        if turn.turn_id not in self._followed:
            remote = RemoteTurn(turn, self._turns, self._recovery)
            # Without the context of a request: it works for all of them.
            task = asyncio.create_task(self._follow(remote, turn.turn_id), context=contextvars.Context())
            self._followed[turn.turn_id] = remote, task
        remote, _ = self._followed[turn.turn_id]
        await remote.begun.wait()
        return remote

    async def close(self) -> None:
        """Follow no turn any more."""
        tasks = [task for _, task in self._followed.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _follow(self, remote: RemoteTurn, turn_id: str) -> None:
        try:
            await remote.follow()
        finally:
            # At once: nobody may enter a turn that is not followed on.
            del self._followed[turn_id]


class RemoteTurn:
    """What is known of one turn. If its process dies, the turn is settled from here."""

    def __init__(self, turn: Turn, turns: Turns, recovery: Recovery) -> None:
        self.events: list[Event] = []
        self.is_over = False
        # Set once the first look has been taken.
        self.begun = asyncio.Event()
        self._turn = turn
        self._log = turns.follow(turn)
        self._recovery = recovery
        self._read = b""
        self._seen: list[Event] = []
        self._readers: set[Reader] = set()

    def enter(self, reader: Reader) -> None:
        """Tell this reader of each event."""
        self._readers.add(reader)

    def leave(self, reader: Reader) -> None:
        """Forget a reader. A turn without readers is not followed on."""
        self._readers.discard(reader)

    async def follow(self) -> None:
        """Look for new events until the turn is over or has no reader."""
        try:
            while True:
                new = await self._new()
                self.events += new
                self.begun.set()
                if self.is_over:
                    return
                if new:
                    self._wake()
                await asyncio.sleep(POLL_SECONDS)
                if not self._readers:
                    return
        finally:
            self.is_over = True
            self.begun.set()
            self._wake()

    def _wake(self) -> None:
        for reader in self._readers:
            reader.wake()

    async def _new(self) -> list[Event]:
        """What has been said since the last look, or how a turn ends that is lost."""
        try:
            new = await self._look()
        except (*DAMAGED, DamagedHistory, StorageError):
            new = None
        except Exception as error:
            log.error("turn %s cannot be followed: %s", self._turn.turn_id, error, exc_info=traceback_of(error))
            new = None
        if new is None:
            self.is_over = True
            return self._closing()
        return new

    async def _look(self) -> list[Event] | None:
        """What has been said since the last look. None if the row is gone."""
        found = await self._log.read()
        if found and not found.is_over and not found.is_elsewhere:
            # Nobody else may notice that its process is dead.
            await self._recovery.running(self._turn.conversation_id)
            found = await self._log.read()
        if found is None:
            return None
        new: list[Event] = []
        if found.log != self._read:
            before, self._read, self._seen = self._seen, found.log, await _loaded(found.log)
            new = grown(before, self._seen)
        self.is_over = found.is_over
        return new

    def _closing(self) -> list[Event]:
        turn = self._turn
        answer = Answer(turn)
        for event in self.events:
            answer.emit(event)
        answer.fail(LOST)
        answer.emit(TurnEnded("error", answer.usage))
        return answer.events[len(self.events) :]


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
