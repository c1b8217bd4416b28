"""A client connection that reads streams cheaply: it counts lines and parses nothing."""

import asyncio
import base64
import time
import uuid
from collections.abc import Callable
from typing import cast

import orjson

from bench.job import PASSWORD, USER, Job

SERVICE_DELTA = b"\n0:"
UPSTREAM_DELTA = b'"content":" '
ENDING = b"\r\n0\r\n\r\n"
LOGIN = base64.b64encode(f"{USER}:{PASSWORD}".encode())


def request(job: Job) -> bytes:
    """Encode one request of a job."""
    if job.target == "upstream":
        path = b"/v1/chat/completions"
        messages = [{"role": "user", "content": job.message}]
        body = orjson.dumps({"model": "bench", "stream": True, "messages": messages})
    else:
        path = b"/chat"
        body = orjson.dumps({"id": job.conversation or str(uuid.uuid4()), "message": job.message})
    user = str(uuid.uuid4()) if job.own_users else "bench"
    return (
        b"POST %b HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Basic %b\r\nuserid: %b\r\n"
        b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
        % (path, LOGIN, user.encode(), len(body), body)
    )


class Stream(asyncio.Protocol):
    """A connection that reads one stream at a time."""

    def __init__(self, job: Job, opened: Callable[[], None]) -> None:
        self._delta = UPSTREAM_DELTA if job.target == "upstream" else SERVICE_DELTA
        self._transport: asyncio.Transport | None = None
        self._over: asyncio.Future[None] | None = None
        self._carry = b""
        self._tail = b""
        self._start = b""
        self._began = 0.0
        self._opened: Callable[[], None] | None = opened
        self.tokens = 0
        self.first = 0.0
        self.fault = ""

    @property
    def usable(self) -> bool:
        """Whether another request may be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the stream that was being read."""
        if self._over is not None and not self._over.done():
            self.fault = f"connection lost: {exc}"
            self._over.set_result(None)

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    async def run(self, data: bytes) -> bool:
        """Send a request and read its stream; return False if the connection closed without a response."""
        assert self._transport is not None
        self.tokens, self.first, self.fault = 0, 0.0, ""
        self._carry = self._tail = self._start = b""
        self._over = asyncio.get_running_loop().create_future()
        self._began = time.perf_counter()
        self._transport.write(data)
        await self._over
        if not self.fault and not self._start.startswith(b"HTTP/1.1 200"):
            self.fault = self._start[:200].decode(errors="replace")
        return bool(self._start)

    def data_received(self, data: bytes) -> None:
        """Count the deltas."""
        if not self._start:
            self._start = data[:2000]
        text = self._carry + data
        found = text.count(self._delta)
        if found:
            if not self.first:
                self.first = time.perf_counter() - self._began
                if self._opened is not None:
                    self._opened()
                    self._opened = None
            self.tokens += found
        if b"\n3:" in text and not self.fault:
            self.fault = text[text.find(b"\n3:") :][:200].decode(errors="replace")
        self._carry = text[1 - len(self._delta) :]
        self._tail = (self._tail + data[-len(ENDING) :])[-len(ENDING) :]
        over = self._tail == ENDING or not self._start.startswith(b"HTTP/1.1 200")
        if over and self._over is not None and not self._over.done():
            self._over.set_result(None)
