"""The wait of a connection for its next request, in place of Hypercorn's task; see `hypercorn_patches`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from weakref import WeakKeyDictionary

import hypercorn.typing
from hypercorn.asyncio.task_group import TaskGroup
from hypercorn.asyncio.worker_context import WorkerContext

# At the end: time for the request of a client that has connected, or uses its connection again.
LAST_REQUEST_SECONDS = 0.5


class _Waiting:
    """The connections of one server that wait. At its end each gets a moment for a last request."""

    def __init__(self, terminated: hypercorn.typing.Event) -> None:
        # Set once the server is about to end.
        self._terminated = terminated
        self.timers: set[IdleTimer] = set()
        self._task = asyncio.create_task(self._end())

    @property
    def is_ending(self) -> bool:
        """Whether the server is about to end."""
        return self._terminated.is_set()

    async def _end(self) -> None:
        await self._terminated.wait()
        for timer in list(self.timers):
            timer.begin(LAST_REQUEST_SECONDS)


_servers: WeakKeyDictionary[WorkerContext, _Waiting] = WeakKeyDictionary()


class IdleTimer:
    """A connection's timer."""

    def __init__(self, server: WorkerContext, keep_alive_seconds: float, loop: asyncio.AbstractEventLoop) -> None:
        self._keep_alive_seconds = keep_alive_seconds
        self._loop = loop
        self._close: Callable[[], object] | None = None
        self._handle: asyncio.TimerHandle | None = None
        self._has_read_all = False
        self._waiting = _servers.get(server) or _servers.setdefault(server, _Waiting(server.terminated))

    @property
    def may_close(self) -> bool:
        """Whether the connection may be closed: no request has come, or none can come any more."""
        return self._close is not None or self._has_read_all

    async def restart(self, task_group: TaskGroup, close: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Wait, from now on, for the next request; without one `close` is run in that group."""
        if self._has_read_all:
            # A reset is not an end of file, so the wait may begin once more when the response ends.
            task_group.spawn(close)
            return
        self._close = lambda: task_group.spawn(close)
        self._waiting.timers.add(self)
        self.begin(LAST_REQUEST_SECONDS if self._waiting.is_ending else self._keep_alive_seconds)

    def begin(self, seconds: float) -> None:
        """Wait that long."""
        if self._handle is not None:
            self._handle.cancel()
        if self._close is not None:
            self._handle = self._loop.call_later(seconds, self._close)

    async def end(self) -> None:
        """Wait no more, nor after a response that is under way: the client has sent its last."""
        self._has_read_all = True
        await self.stop()

    async def stop(self) -> None:
        """Wait no longer: a request has come, or the connection is closed."""
        self._waiting.timers.discard(self)
        self._close = None
        if self._handle is not None:
            self._handle.cancel()
