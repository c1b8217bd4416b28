"""The heartbeat of this process's turns: a few transactions for all of them, while any turn runs.

It writes what has been said, so a kill costs at most a second of words, and more often while somebody follows it from
another process. It deletes rows of turns that are long over, stops turns when another process asks for it, and ends
turns that run for too long.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import time
from collections.abc import Iterable

from ..storage import Turns, traceback_of
from .answer import LAPSED, TOO_LONG
from .registry import RunRegistry
from .run import Run

# Less than the second that a kill may cost, since the write takes time too.
SECONDS = 0.7
# While a turn is followed from another process: its reader waits for the write, and then for the reader's next look.
FOLLOWED_SECONDS = 0.08
# After the last turn, until storage has deleted the rows of finished turns.
QUIET_BEATS = 5
# Logs in one transaction: other writers wait for its end.
LOGS_AT_ONCE = 50
log = logging.getLogger("mockbackend.turn")


class Heartbeat:
    """The heartbeat of the runs in the registry."""

    def __init__(self, turns: Turns, registry: RunRegistry, max_turn_seconds: float) -> None:
        self._turns = turns
        self._registry = registry
        self._max_turn_seconds = max_turn_seconds
        self._task: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        self._flushed_soon: set[Run] = set()
        # The ids of the turns that are followed from other processes.
        self._followed: list[str] = []
        self._quiet = 0

    def start(self) -> None:
        """Beat while turns run, and until the rows of finished turns are gone."""
        self._quiet = 0
        if self._task is None or self._task.done():
            # In an empty context: it works for all requests, not for the one that started it.
            self._task = asyncio.create_task(self._beat(), context=contextvars.Context())

    def flush_soon(self, run: Run) -> None:
        """Write at once what this run has said."""
        self._flushed_soon.add(run)
        self._woken.set()

    async def close(self) -> None:
        """Stop beating."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        # `look` is the next time to look for what others want; at each `due` all that is new is written as well.
        due = look = loop.time() + SECONDS
        while len(self._registry) or self._quiet < QUIET_BEATS:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(look):
                    await self._woken.wait()
            self._woken.clear()
            now = loop.time()
            is_look, is_due = now >= look, now >= due
            if is_due:
                due = now + SECONDS
                self._quiet = 0 if len(self._registry) else self._quiet + 1
            try:
                if is_look:
                    await self._look()
                urgent = self._urgent()
                await self._write(self._registry if is_due else urgent)
            except Exception as error:
                # Those who follow wait for the next beat: the storage has enough to do.
                self._followed = []
                log.warning("what was said could not be written: %s", error, exc_info=traceback_of(error))
            if is_look:
                # From now on, however long this took.
                look = min(due, loop.time() + FOLLOWED_SECONDS) if self._followed else due

    def _urgent(self) -> set[Run]:
        """The runs that need not wait for the beat."""
        urgent = {run for turn_id in self._followed if (run := self._registry.find(turn_id))} | self._flushed_soon
        self._flushed_soon.clear()
        return urgent

    async def _look(self) -> None:
        """Stop the turns that run for too long, and those that another process asked to stop or may have taken."""
        now = time.monotonic()
        for run in self._registry:
            if now - run.began > self._max_turn_seconds and run.answer.finish is None:
                run.answer.stop.request(TOO_LONG)
        beat = await self._turns.beat()
        self._followed = beat.followed
        for reason, turn_ids in (("stopped", beat.to_stop), (LAPSED, beat.lapsed)):
            for turn_id in turn_ids:
                if stopped := self._registry.find(turn_id):
                    stopped.answer.stop.request(reason)

    async def _write(self, runs: Iterable[Run]) -> None:
        """Write the logs of these runs, if they have said something new."""
        said = [run for run in runs if len(run.events) > run.written]
        for start in range(0, len(said), LOGS_AT_ONCE):
            some = [(run, len(run.events)) for run in said[start : start + LOGS_AT_ONCE]]
            await self._turns.write_logs([(run.turn, run.log(), run.budget.spent) for run, _ in some])
            for run, count in some:
                run.written = count
