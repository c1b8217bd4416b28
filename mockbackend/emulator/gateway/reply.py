"""The one way an answer is sent: piece by piece, watching for a client that has gone, or broken off."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Final

from starlette.types import Receive, Scope, Send

from .journal import Entry, Journal


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing is sent for so many seconds."""

    seconds: float


class Break(Enum):
    """The connection is closed here and the body is left without its end."""

    CUT = "cut"


CUT: Final = Break.CUT
Piece = bytes | Pause | Break


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: `delay` seconds of silence, status and headers, then the pieces, each sent by itself."""

    pieces: Iterable[Piece]
    headers: Mapping[str, str]
    status: int = 200
    delay: float = 0


class ClientGoneError(Exception):
    """The client closed the connection."""


class Sending:
    """An ASGI application that sends one reply and notes in the journal how that went."""

    def __init__(self, reply: Reply, journal: Journal, entry: Entry) -> None:
        self._reply = reply
        self._journal = journal
        self._entry = entry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._journal.open += 1
        try:
            async with _watch(receive) as gone:
                await self._send(send, Clock(gone))
        except ClientGoneError:
            self._entry.aborted = True
        finally:
            self._journal.open -= 1

    async def _send(self, send: Send, clock: "Clock") -> None:
        reply = self._reply
        await clock.wait(reply.delay)
        self._entry.status = reply.status
        headers = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        for piece in reply.pieces:
            if isinstance(piece, bytes):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                # Hypercorn's send to a client that has gone neither raises nor waits.
                await clock.breathe()
            elif isinstance(piece, Pause):
                await clock.wait(piece.seconds)
            else:
                # An application that returns here makes Hypercorn close the connection in mid-body, in silence.
                return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class Clock:
    """Waits that end at once when the client goes, and that add up to the asked pace without drifting."""

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

    async def breathe(self) -> None:
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


def whole(body: bytes, headers: Mapping[str, str], status: int = 200, delay: float = 0) -> Reply:
    """A body sent in one piece, its length told beforehand."""
    return Reply(_pieces(body), {**headers, "content-length": str(len(body))}, status, delay)


def _pieces(body: bytes) -> Iterator[Piece]:
    if body:
        yield body
