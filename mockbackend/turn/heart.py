"""The heartbeat of this process's turns: one transaction for all of them, while any runs.

It writes what has been said, so that a kill costs a second of words at the most, renews the leases, forgets rows long
over, learns of stops asked for in other processes, and ends what has run for too long.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from functools import partial

from ..answering import TOO_LONG
from ..events import dump
from ..storage.turns import OVER_MS, Turns
from .run import Run

# A kill may cost a second of words: the write itself takes some of it.
SECONDS = 0.7
# After the last turn, until no row that is over is left.
QUIET_BEATS = OVER_MS / 1000 // SECONDS + 2
log = logging.getLogger("mockbackend.turn")


class Heart:
    """Beats for these runs, by turn id."""

    def __init__(self, turns: Turns, runs: Mapping[str, Run], max_turn_seconds: float) -> None:
        self._turns = turns
        self._runs = runs
        self._max_turn_seconds = max_turn_seconds
        self._task: asyncio.Task[None] | None = None
        self._hurried = asyncio.Event()
        self._quiet = 0.0

    def start(self) -> None:
        """Beat for as long as turns run, and until the rows of those that are over are gone."""
        self._quiet = 0
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._beat())

    def hurry(self) -> None:
        """Beat at once: something has been said that shall not be lost."""
        self._hurried.set()

    async def close(self) -> None:
        """Beat no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _beat(self) -> None:
        while self._runs or self._quiet < QUIET_BEATS:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SECONDS):
                    await self._hurried.wait()
            self._hurried.clear()
            self._quiet = 0 if self._runs else self._quiet + 1
            try:
                await self._write()
            except Exception:
                log.warning("the heartbeat failed", exc_info=True)

    async def _write(self) -> None:
        now = time.monotonic()
        for run in self._runs.values():
            if now - run.began > self._max_turn_seconds:
                run.answering.stop.request(TOO_LONG)
        said = {run: list(run.events) for run in self._runs.values() if len(run.events) > run.logged}
        # A turn that ends meanwhile writes its end after this, since its transaction comes later.
        stops = await self._turns.beat([(run.turn, partial(dump, events)) for run, events in said.items()])
        for run, events in said.items():
            run.logged = len(events)
        for turn_id in stops:
            if turn := self._runs.get(turn_id):
                turn.answering.stop.request("stopped")
