"""An upstream that is faster than its callers: `python -m bench.upstream [PORT]`, which prints its port.

It serves POST /v1/chat/completions, streamed or not. The last directive in the prompt says how to answer:
`tokens=2000` as fast as it goes, `tokens=300 rate=30` paced, `tokens=20 size=50` with tokens of 50 bytes each.
"""

import asyncio
import re
import sys
from typing import cast

import uvloop

from bench.wire import STREAM_HEAD, STREAMED, Answer, Directive, http_chunk, read_directive, streamed, unstreamed

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


class Pace:
    """One paced answer. Ticks are counted from its start, so a late tick is made up for."""

    def __init__(self, transport: asyncio.Transport, answer: Answer, directive: Directive) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._chunk = http_chunk(answer.token)
        self._tail = answer.tail
        self._directive = directive
        self._began = self._loop.time()
        self._sent = 0
        transport.write(STREAM_HEAD + answer.head)
        self._timer = self._loop.call_soon(self._tick)

    def _tick(self) -> None:
        elapsed = self._loop.time() - self._began
        due = min(int(elapsed * self._directive.rate) + 1, self._directive.tokens)
        if due > self._sent:
            self._transport.write(self._chunk * (due - self._sent))
            self._sent = due
        if self._sent == self._directive.tokens:
            self._transport.write(self._tail)
            return
        self._timer = self._loop.call_at(self._began + self._sent / self._directive.rate, self._tick)

    def stop(self) -> None:
        """Stop sending, since the client has left."""
        self._timer.cancel()


class Upstream(asyncio.Protocol):
    """A client's connection, with keep-alive."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._pace: Pace | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the answer that was being sent."""
        if self._pace is not None:
            self._pace.stop()

    def data_received(self, data: bytes) -> None:
        """Collect a request, and answer it once it is complete."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        length = LENGTH.search(self._buffer, 0, end)
        whole = end + 4 + (int(length.group(1)) if length else 0)
        if len(self._buffer) < whole:
            return
        target = bytes(self._buffer[: self._buffer.find(b"\r\n")])
        body = bytes(self._buffer[end + 4 : whole])
        del self._buffer[:whole]
        self._answer(target, body)

    def _answer(self, target: bytes, body: bytes) -> None:
        assert self._transport is not None
        if not target.startswith(b"POST ") or b"/chat/completions" not in target:
            self._transport.write(NOT_FOUND)
            return
        directive = read_directive(body)
        if STREAMED.search(body) is None:
            self._transport.write(unstreamed(directive))
            return
        answer = streamed(directive)
        if directive.rate:
            self._pace = Pace(self._transport, answer, directive)
        else:
            self._transport.write(STREAM_HEAD + answer.head + answer.burst(directive.tokens) + answer.tail)


async def serve(port: int) -> None:
    """Serve until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
