"""A running turn: its events so far, and readers that follow them at their own pace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import islice
from typing import Protocol

from ..events import DELTAS, Event, dump, joined
from ..storage import DayLimits, Exchange, Turn, Turns
from .answer import Answer
from .budget import Budget
from .request import Mode

# The most events that are read at once: a reader of many gives way to others in between.
BATCH = 500
# What a response waits for the model's request at most: a connection may have to be made first, or a tool be run.
ASKING_SECONDS = 0.005
# What an event takes besides its words.
EVENT_BYTES = 100


class Followed(Protocol):
    """A turn that readers follow: a run of this process, or what is known of another process's."""

    @property
    def events(self) -> list[Event]:
        """The events so far: one list, which grows."""

    @property
    def is_over(self) -> bool:
        """Whether no event follows."""

    def enter(self, reader: Reader) -> None:
        """Tell this reader of each event."""

    def leave(self, reader: Reader) -> None:
        """Forget a reader."""


class Run:
    """One turn in this process. Its readers come and go."""

    def __init__(self, turn: Turn, mode: Mode, turns: Turns, limits: DayLimits, *, resumable: bool) -> None:
        self.turn = turn
        self.mode = mode
        self.answer = Answer(turn)
        self.budget = Budget(self.answer, turns, limits)
        self.resumable = resumable
        self.began = time.monotonic()
        self.first_output: float | None = None
        # How many of the answer's events the client that began this turn has already.
        self.known = 0
        # The history before it where nothing of it was kept for requests.
        self.unkept: list[Exchange] = []
        self.answer.listeners.append(self._tell)
        # How many of the answer's events the turn's row has.
        self.written = self.answer.earlier
        self._joined: list[Event] = []
        self._joined_count = 0
        # Not an asyncio.Event, which takes more memory than the words of many turns.
        loop = asyncio.get_running_loop()
        self.over: asyncio.Future[None] = loop.create_future()
        # Done once the model has been asked: the transport has it as `request_written`, set by the runner.
        self.asked: asyncio.Future[None] = loop.create_future()
        self._readers: set[Reader] = set()

    def _tell(self, event: Event) -> None:
        for reader in self._readers:
            reader.tell()

    def log(self) -> bytes:
        """What has been said so far, as the turn's row stores it. Only events since the last call are joined."""
        self._joined = joined([*self._joined, *self.answer.events[self._joined_count :]])
        self._joined_count = len(self.answer.events)
        return dump(self._joined)

    async def until_asked(self) -> None:
        """Wait until the model has been asked, or the turn has ended without that, but a few ms at most."""
        timer = asyncio.get_running_loop().call_later(ASKING_SECONDS, self._let_go)
        try:
            await self.asked
        finally:
            timer.cancel()

    def _let_go(self) -> None:
        if not self.asked.done():
            self.asked.set_result(None)

    def end(self) -> None:
        """Mark the end: no event follows."""
        self.over.set_result(None)
        self._let_go()
        for reader in self._readers:
            reader.wake()

    @property
    def events(self) -> list[Event]:
        """The events so far."""
        return self.answer.events

    @property
    def is_over(self) -> bool:
        """Whether the turn has ended."""
        return self.over.done()

    def enter(self, reader: Reader) -> None:
        """Tell this reader of each event."""
        self._readers.add(reader)

    def leave(self, reader: Reader) -> None:
        """Forget a reader. A turn without readers is stopped, to save tokens, unless it is resumable."""
        self._readers.discard(reader)
        if not self._readers and not self.resumable and not self.over.done():
            self.answer.stop.request("gone")


class Reader:
    """One connection's place in a turn, at the first event, or after as many as its client has.

    While `next` waits, `take` is given what is new, if it is set: by a call, where `next` needs a turn of its task.
    """

    def __init__(self, turn: Followed, position: int = 0) -> None:
        self._turn = turn
        self._events = turn.events
        self._position = position
        # How much had been said before.
        self._start = len(self._events)
        # Kept, since `get_running_loop` costs Python 3.11 a call of the kernel.
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        # Whether `_give` is about to run.
        self._is_told = False
        # Set by a stream that can write at once.
        self.take: Callable[[list[Event]], None] | None = None
        turn.enter(self)

    def wake(self) -> None:
        """Make a waiting `next` return."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def tell(self) -> None:
        """Say that there are new events. They are read in a moment, with those that come together with them."""
        if self.take is None:
            self.wake()
        elif not self._is_told:
            self._is_told = True
            self._loop.call_soon(self._give, self.take)

    def _give(self, take: Callable[[list[Event]], None]) -> None:
        self._is_told = False
        if self._waiter is None or self._waiter.done():
            # The stream is at work, and its `next` reads them. Until it waits again nothing is taken here.
            return
        try:
            take(self._read())
        except Exception as error:
            self._waiter.set_exception(error)
        if self._position < len(self._events):
            self.tell()

    async def next(self) -> list[Event] | None:
        """The next events, up to `BATCH`. Waits if there are no new ones; [] if woken, None after the last event."""
        if self._position == len(self._events):
            if self._turn.is_over:
                return None
            self._waiter = self._loop.create_future()
            await self._waiter
        return self._read()

    def _read(self) -> list[Event]:
        batch = self._events[self._position : self._position + BATCH]
        self._position += len(batch)
        return batch

    def close(self) -> None:
        """Stop reading: the connection is gone, or has read everything."""
        self._turn.leave(self)

    @property
    def is_over(self) -> bool:
        """Whether the turn has ended, as far as is known; there may be more to read."""
        return self._turn.is_over

    def leaves(self, size: int) -> bool:
        """Whether more than about `size` bytes of what came since the reading began are unread."""
        for event in islice(self._events, max(self._position, self._start), None):
            field = DELTAS.get(type(event))
            size -= EVENT_BYTES + (len(getattr(event, field)) if field else 0)
            if size < 0:
                return True
        return False
