"""An answer that is read ahead of its client, who may leave at any time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Receive, Send], Awaitable[None]]
# Answers whose client was cut off, which run to their end.
_unread: set[asyncio.Task[None]] = set()


class Left(Exception):
    """The client has closed the connection."""


class Client:
    """The client, which may leave at any time."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive

    async def __aenter__(self) -> Client:
        self._watcher = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._watcher.cancel()

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    @property
    def has_left(self) -> bool:
        """Whether it has."""
        return self._watcher.done()

    async def wait(self, seconds: float) -> None:
        """Wait; raises Left as soon as the client has."""
        if seconds:
            await asyncio.wait((self._watcher,), timeout=seconds)
        if self.has_left:
            raise Left

    async def until(self, ready: asyncio.Future[None]) -> None:
        """Wait for something; raises Left as soon as the client has."""
        await asyncio.wait((self._watcher, ready), return_when=asyncio.FIRST_COMPLETED)
        if self.has_left:
            raise Left


class Ahead:
    """An answer that is read ahead, in a task of its own."""

    def __init__(self, app: App, scope: Any, keep_alive: bytes) -> None:
        self._keep_alive = keep_alive
        self._messages: deque[Message] = deque()
        self._ready: asyncio.Future[None] | None = None
        # Nobody reads it any more.
        self.is_forgotten = False
        # It never waits for its client, which the connection need therefore not be cut off from.
        self.task = asyncio.create_task(self._run(app, {**scope, "state": {}}))

    async def _run(self, app: App, scope: Any) -> None:
        try:
            await app(scope, self._receive, self._send)
        finally:
            self._wake()

    async def _receive(self) -> Message:
        # Its reader never leaves.
        forever: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        return await forever

    async def _send(self, message: Message) -> None:
        if not self.is_forgotten:
            self._messages.append(message)
            self._wake()

    def _wake(self) -> None:
        if self._ready is not None and not self._ready.done():
            self._ready.set_result(None)

    async def messages(self, client: Client) -> AsyncIterator[Message]:
        """Its messages as they come. Raises Left."""
        while True:
            while self._messages:
                yield self._messages.popleft()
            if self.task.done():
                self.task.result()
                return
            self._ready = asyncio.get_running_loop().create_future()
            await client.until(self._ready)

    def skip_keep_alives(self) -> None:
        """Forget those that have come while nothing was to be sent."""
        self._messages = deque(one for one in self._messages if one.get("body") != self._keep_alive)

    def forget(self) -> None:
        """Let it run to its end, unread."""
        self.is_forgotten = True
        self._messages.clear()
        _unread.add(self.task)
        self.task.add_done_callback(_unread.discard)
