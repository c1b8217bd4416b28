"""The front end's wire with a fault on it: what lies between an answer and its reader.

A stream is read ahead of its reader, as fast as it comes. To the answer that is a reader who stays, so what the
turn stores is whole, however little of it was sent on, and though the client may leave because of the fault.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from .ahead import Ahead, App, Client, Left, Message, Receive, Send
from .script.wire import Wire
from .store import Entry, Gate, Hold, Holds
from .store.holds import POLL_SECONDS, Gone

# When a connection ends a browser throws away what the page has received and not read.
READ_SECONDS = 0.25
SPLIT_SECONDS = 0.001
SPLIT_PIECES = 2000


@dataclass(frozen=True, slots=True)
class Lines:
    """How the lines of a stream look: what ends each, how a tool's result begins, the keep-alive, one that no client
    knows, and those of a failure, up to the stream's end. `keep_alive_seconds` is how long it is silent at most.
    """

    end: bytes
    tool_results: tuple[bytes, ...]
    keep_alive: bytes
    unknown: bytes
    failure: bytes
    keep_alive_seconds: float


class FaultyDocument:
    """An answer that is no stream: it comes late, or only half of its body comes."""

    def __init__(self, app: App, wire: Wire) -> None:
        self._app = app
        self._wire = wire

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Send it, unless the client leaves before."""
        if self._wire.delay:
            async with Client(receive) as client:
                try:
                    await client.wait(self._wire.delay)
                except Left:
                    return
        if self._wire.cut is None:
            await self._app(scope, receive, send)
            return
        length = room = 0

        async def sending(message: Message) -> None:
            nonlocal length, room
            if message["type"] == "http.response.start":
                length = int(dict(message["headers"]).get(b"content-length", b"0"))
                room = length // 2
                await send(message)
            elif not length:
                # There is nothing to cut: to its client it is whole, and the connection is good for another call.
                await send(message)
            elif body := message.get("body", b"")[:room]:
                room -= len(body)
                await send({"type": "http.response.body", "body": body, "more_body": True})

        await self._app(scope, receive, sending)


class FaultyStream:
    """A stream with a fault on its way to the reader."""

    def __init__(self, app: App, wire: Wire, lines: Lines, holds: Holds, entry: Entry) -> None:
        self._app = app
        self._wire = wire
        self._lines = lines
        self._begin_hold = partial(holds.begin, entry)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Send it until it ends, is cut, or the client leaves."""
        async with Client(receive) as client:
            answer = Ahead(self._app, scope, self._lines.keep_alive)
            out = _Out(send, client, self._wire)
            try:
                await _Passage(self._wire, self._lines, answer, out, client, self._begin_hold).send()
            except Left:
                # Perhaps because of the fault.
                answer.forget()
            except BaseException:
                answer.task.cancel()
                raise
            if not answer.is_forgotten:
                await answer.task


class _Passage:
    """One stream's way past the fault, line by line."""

    def __init__(
        self, wire: Wire, lines: Lines, answer: Ahead, out: _Out, client: Client, begin_hold: Callable[[], Hold]
    ) -> None:
        self._wire = wire
        self._lines = lines
        self._answer = answer
        self._out = out
        self._client = client
        self._silent_after = wire.silence.after if wire.silence else None
        self._begin_hold = begin_hold
        self._hold_after = wire.hold
        # How many of the answer's lines have come; all of them have if it is over.
        self._number = 0
        self._is_over = False

    async def send(self) -> None:
        """Send all that comes through."""
        await self._client.wait(self._wire.delay)
        async for message in self._answer.messages(self._client):
            goes_on = True
            if message["type"] == "http.response.start":
                self._answer.skip_keep_alives()
                await self._out.start(message)
                goes_on = await self._happens()
            elif message.get("body") == self._lines.keep_alive:
                await self._out.send(self._lines.keep_alive)
            else:
                goes_on = await self._pass(message.get("body", b""))
            if not goes_on:
                return
        self._is_over = True
        if await self._happens():
            await self._out.end()

    async def _pass(self, body: bytes) -> bool:
        """Send these lines; whether the stream goes on."""
        wire, ready = self._wire, bytearray()
        for text in body.split(self._lines.end)[:-1]:
            line = text + self._lines.end
            self._number += 1
            if wire.unknown_line == self._number:
                ready += self._lines.unknown
            if wire.drop is None or not line.startswith(self._lines.tool_results):
                ready += line * (2 if wire.repeat == self._number else 1)
            if self._number in (wire.cut, wire.end, wire.late_error, self._silent_after, self._hold_after):
                await self._out.send(bytes(ready))
                ready.clear()
                if not await self._happens():
                    return False
        await self._out.send(bytes(ready))
        return True

    def _is_here(self, place: int | None) -> bool:
        """Whether it is reached; after the last line, whether it never was."""
        return place is not None and (place > self._number if self._is_over else place == self._number)

    async def _happens(self) -> bool:
        """Do what is to be done after the line that was sent; whether the stream goes on."""
        wire, out = self._wire, self._out
        if wire.silence and self._is_here(self._silent_after):
            await out.flush()
            await self._client.wait(wire.silence.seconds)
            self._answer.skip_keep_alives()
        while self._is_here(self._hold_after):
            try:
                await self._hold()
            except Gone:
                self._answer.forget()
                return False
        if not any(map(self._is_here, (wire.late_error, wire.end, wire.cut))):
            return True
        self._answer.forget()
        if wire.late_error is not None:
            await out.send(self._lines.failure)
        if wire.cut is None:
            await out.end()
        else:
            # Who returns without the body's end has the connection closed, once all is sent.
            await out.flush()
            await self._client.wait(READ_SECONDS)
        return False

    async def _hold(self) -> None:
        """Stand still, but for keep-alives, until it is released: for some lines, or to the end."""
        await self._out.flush()
        gate, hold, silent = Gate(0), self._begin_hold(), 0.0
        try:
            while not hold.look(gate):
                await self._client.wait(POLL_SECONDS)
                silent += POLL_SECONDS
                if silent >= self._lines.keep_alive_seconds:
                    await self._out.send(self._lines.keep_alive)
                    silent = 0.0
        finally:
            hold.end(gate)
        # After the last line there is nothing more to hold.
        self._hold_after = None if gate.left is None or self._is_over else self._number + gate.left
        self._answer.skip_keep_alives()


class _Out:
    """What is sent: at once, in small pieces, or all at the end."""

    def __init__(self, send: Send, client: Client, wire: Wire) -> None:
        self._send = send
        self._client = client
        self._size = wire.split
        self._is_buffered = wire.buffered
        self._pieces = 0
        self._start: Message | None = None
        self._waiting = bytearray()

    async def start(self, message: Message) -> None:
        self._start = message
        if not self._is_buffered:
            await self._begin()

    async def _begin(self) -> None:
        if self._start is not None:
            start, self._start = self._start, None
            await self._send(start)

    async def send(self, body: bytes) -> None:
        """Send the lines; some of them may wait for others."""
        self._waiting += body
        if self._is_buffered:
            return
        while self._size and self._pieces < SPLIT_PIECES and len(self._waiting) >= self._size:
            await self._piece(self._size)
        if not self._size or self._pieces >= SPLIT_PIECES:
            await self._piece(len(self._waiting))

    async def _piece(self, size: int) -> None:
        piece = bytes(self._waiting[:size])
        del self._waiting[:size]
        if piece:
            self._pieces += 1
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
            # `send` to a client that has left neither raises nor waits.
            await self._client.wait(SPLIT_SECONDS if self._size and self._pieces <= SPLIT_PIECES else 0)

    async def flush(self) -> None:
        """Send what waits."""
        await self._begin()
        await self._piece(len(self._waiting))

    async def end(self) -> None:
        """Send what waits, and the body's end."""
        await self.flush()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
