"""A reply, and the one way it is sent: piece by piece, until it ends, breaks off, or the client leaves."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Final, Self

from starlette.types import Receive, Send

from ...mock.store.holds import POLL_SECONDS, Gate, Gone
from ...mock.store.journal import State
from . import wire
from .errors import AzureError
from .journal import Entry, Journal


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence for some seconds."""

    seconds: float


class Break(Enum):
    """The connection closes here, and the body is left without its end."""

    CUT = "cut"


CUT: Final = Break.CUT
# At a gate the answer stands still while it is closed.
Piece = bytes | Pause | Break | Gate


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: `delay` seconds of silence, status and headers, then the pieces, each sent by itself."""

    pieces: Iterable[Piece]
    headers: Mapping[str, str]
    status: int = 200
    delay: float = 0

    @classmethod
    def of(cls, body: bytes, headers: Mapping[str, str], status: int = 200, delay: float = 0) -> Self:
        """A body that is sent in one piece, with its length in the headers."""
        return cls([body] if body else [], {**headers, "content-length": str(len(body))}, status, delay)

    @classmethod
    def json(cls, document: Mapping[str, object], delay: float = 0) -> Self:
        """A document, with the headers that Azure sends beside one."""
        return cls.of(wire.json_bytes(document), wire.azure_headers(wire.JSON), delay=delay)

    @classmethod
    def of_error(cls, error: AzureError) -> Self:
        return cls.of(wire.json_bytes(error.body), {**wire.azure_headers(wire.JSON), **error.headers}, error.status)


class ClientGoneError(Exception):
    """The client closed the connection."""


async def send_reply(reply: Reply, journal: Journal, entry: Entry, receive: Receive, send: Send) -> None:
    """Send a reply as an ASGI response, and note in the journal how it went."""
    journal.open += 1
    try:
        async with _watch(receive) as gone:
            await _send(reply, entry, send, Clock(gone))
    except ClientGoneError:
        entry.aborted = True
        entry.end("client_gone")
    finally:
        journal.open -= 1


async def _send(reply: Reply, entry: Entry, send: Send, clock: "Clock") -> None:
    await clock.wait(reply.delay)
    pieces = iter(reply.pieces)
    # Before the status is sent: where the answer cannot be made, it is another.
    following = next(pieces, None)
    headers = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
    entry.begin_answer(reply.status, headers)
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    last: State = "done" if reply.status < 400 else "error"
    if following is None:
        entry.end(last)
    while following is not None:
        if isinstance(following, Gate):
            # Before the next piece is made: to make one counts it as passed.
            if following.is_closed and not await _hold(following, entry, clock):
                entry.end("cut")
                return
            following = next(pieces, None)
            continue
        piece, following = following, next(pieces, None)
        if isinstance(piece, bytes):
            entry.count_line()
            if following is None:
                # Before it is sent: who has read it all finds it in the journal.
                entry.end(last)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            # Hypercorn's send to a client that has gone neither raises nor waits.
            await clock.checkpoint()
        elif isinstance(piece, Pause):
            await clock.wait(piece.seconds)
        else:
            # An application that returns here makes Hypercorn close the connection without the body's end.
            entry.end("cut")
            return
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _hold(gate: Gate, entry: Entry, clock: "Clock") -> bool:
    """Stand still until it is released; whether the stream goes on."""
    if entry.mocked is None:
        gate.left = None
        return True
    hold = entry.mocked.store.holds.begin(entry.mocked.entry)
    try:
        while not hold.look(gate):
            await clock.wait(POLL_SECONDS)
    except Gone:
        return False
    finally:
        hold.end(gate)
    return True


class Clock:
    """The waits of an answer, which end when the client goes. They add up to the asked pace without drifting."""

    def __init__(self, gone: "asyncio.Task[None]") -> None:
        self._gone = gone
        self._now = asyncio.get_running_loop().time
        self._due = self._now()

    async def wait(self, seconds: float) -> None:
        self._due += seconds
        left = self._due - self._now()
        if left > 0:
            await asyncio.wait((self._gone,), timeout=left)
        self._check()

    async def checkpoint(self) -> None:
        """Let the event loop run other tasks once."""
        await asyncio.sleep(0)
        self._check()

    def _check(self) -> None:
        if self._gone.done():
            raise ClientGoneError


@asynccontextmanager
async def _watch(receive: Receive) -> AsyncIterator["asyncio.Task[None]"]:
    """A task that is done once the client has gone."""

    async def until_gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    task = asyncio.create_task(until_gone())
    try:
        yield task
    finally:
        task.cancel()
