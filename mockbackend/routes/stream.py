"""The response that streams a turn: events that are ready go in one send, and a silent stream gets keep-alives.

A client that reads too slowly is cut off: its turn would be kept in memory for it, long after it is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ..events import Event
from ..metrics import OPEN_STREAMS
from ..protocol import Framing
from ..protocol.links import Links
from ..server.hypercorn_patches import CUT_OFF, WRITE_PIECE
from ..turn.run import BATCH, Reader
from .unread import UnreadLimit

# So that proxies send each event on at once, unchanged.
UNBUFFERED = {"cache-control": "no-cache, no-transform", "x-accel-buffering": "no"}


def stream_headers(framing: Framing) -> dict[str, str]:
    """The headers of a stream in this framing."""
    return {**framing.media_headers, **UNBUFFERED}


class EventStream(Response):
    """A streaming response other than Starlette's, which runs a task group beside every stream under Hypercorn.

    What comes while the loop of `__call__` waits is written at once, by `_take`; all else goes through `send`.
    """

    def __init__(
        self,
        source: Reader,
        framing: Framing,
        links: Links,
        keep_alive_seconds: float,
        headers: dict[str, str],
        *,
        kind: Literal["own", "joined"],
        earlier: Sequence[Event] = (),
    ) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers({**stream_headers(framing), **headers})
        self.framing = framing
        self.keep_alive_seconds = keep_alive_seconds
        self._source = source
        self._frame = framing.open_stream(links, earlier)
        self._kind = kind
        self._loop = asyncio.get_running_loop()
        # When the last piece left.
        self._sent = 0.0
        self._write_piece: Callable[[bytes], bool] | None = None
        # A piece that the connection did not take at once: one at most, since the reader is woken for it.
        self._unsent = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the turn's events until it ends, or the client leaves or is cut off."""
        reader, loop, state = self._source, self._loop, scope.get("state", {})
        if scope["method"] == "HEAD":
            # There is nothing to wait for.
            reader.close()
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": b""})
            return
        limit = UnreadLimit(reader, state.get(CUT_OFF))
        watcher = asyncio.create_task(self._watch(receive, reader))
        OPEN_STREAMS.add(1, self._kind)
        timer = loop.call_later(self.keep_alive_seconds, reader.wake)
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            self._sent = loop.time()
            self._write_piece = state.get(WRITE_PIECE)
            if self._write_piece is not None:
                # Not earlier: what is written past `send` must not come before the head.
                reader.take = self._take
            # Checked before the wait too: the client may have left while `send` waited, and the reader is woken once.
            while not watcher.done():
                batch = await reader.next()
                if batch is None or watcher.done():
                    break
                if body := self._body(batch):
                    limit.begin()
                    await send({"type": "http.response.body", "body": body, "more_body": True})
                    limit.is_sending = False
                    self._sent = loop.time()
                if len(batch) >= BATCH:
                    # Neither `next` nor `send` needs to wait while there is more, and the others' streams would.
                    await asyncio.sleep(0)
                if loop.time() >= timer.when():
                    timer = loop.call_later(max(0.01, self._sent + self.keep_alive_seconds - loop.time()), reader.wake)
            if not watcher.done():
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            OPEN_STREAMS.add(-1, self._kind)
            timer.cancel()
            limit.close()
            watcher.cancel()
            reader.close()

    def _take(self, events: list[Event]) -> None:
        """Write these events at once, or leave them to be sent."""
        body = self._frame(events)
        if body and self._write_piece and self._write_piece(body):
            self._sent = self._loop.time()
        elif body:
            self._unsent = body
            self._source.wake()

    def _body(self, events: list[Event]) -> bytes:
        """What is to be sent now: these events after what has not been sent, or a keep-alive where it was silent."""
        body, self._unsent = self._unsent + self._frame(events), b""
        if not body and self._loop.time() - self._sent >= self.keep_alive_seconds * 0.99:
            return self.framing.keep_alive
        return body

    async def _watch(self, receive: Receive, reader: Reader) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        # `send` to a client that has left neither raises nor waits, so the loop above would not notice.
        asyncio.get_running_loop().call_soon(reader.wake)
