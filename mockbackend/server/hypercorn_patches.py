"""Hypercorn's connection: ended as soon as its client ends it or reads no more, without HTTP/2, and in fewer steps.

Hypercorn 0.18 keeps a connection for `keep_alive_timeout` even after the client has closed it, so each call of a client
that keeps nothing alive holds a descriptor and 30 KB for that long. When Hypercorn ends, it closes at once each
connection whose request has not arrived, also one that was made a moment ago. And its HTTP/2 in clear text waits for
ever for a client that opens no window: 4,000 such requests on 40 connections hold 400 MB. A client of HTTP/1.1 that
reads nothing is waited for as long, also when its connection is closed. And it closes a connection that was idle for
five seconds, as long as httpx, for example, keeps one: a request that is sent at that moment is lost with it.

A piece of a stream also passes a lock, a wait for room and h11's states, and each request cancels a task that waits for
the connection to be idle and makes another. Here a piece that the kernel takes at once is just written, small ones of a
turn of the loop in one call, h11 is not asked about the pieces of a body that it has begun, and idle connections have a
timer. A response may also write its pieces past `send`, with no task and no middleware: those here look at the head and
the end alone.

Hypercorn takes no other classes for its connections and has no setting for HTTP/2; therefore ours are put in place of
its own, both under `mockbackend serve` and under plain Hypercorn. What is private of Hypercorn and h11 is used here and
in `http1` alone, as it is in Hypercorn 0.18 and h11 0.16. `tests/server/test_connections.py` and those beside it fail
with a version in which it is otherwise.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from typing import Any

import hypercorn.asyncio.run
import hypercorn.config
import hypercorn.protocol
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.events import Event, RawData

from .http1 import Http1, chunk
from .idle_timer import IdleTimer

log = logging.getLogger("mockbackend.http")
# Unless `--keep-alive` says otherwise. Longer than the 60 s for which nginx keeps a connection to us, and than clients
# do, so that nobody sends into one that we are closing.
KEEP_ALIVE_SECONDS = 75.0
# A client that does not take a piece of a response within this time gets no more of it.
SEND_SECONDS = 30.0
PIECE_BYTES = 64 * 1024
# Pieces that are no larger leave together at the end of a turn of the loop, this number at most.
JOINED_BYTES, MOST_JOINED = 2048, 16
# What the kernel holds of a connection besides what is on its way.
UNSENT_BYTES = 128 * 1024
# In a request's state: the function that ends its connection at once.
CUT_OFF = "cut_off"
# In a request's state: the function that writes a piece of the response's body at once. Who wraps `send` and looks at
# bodies has to take it out, as the mock's `front_call` does.
WRITE_PIECE = "write_piece"


class Connection(TCPServer):
    """One client's connection. A client that has closed its side will ask for nothing more.

    What it has yet to read is bounded: a piece in asyncio's buffer, one on its way there, and the kernel's.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._transport = self.writer.transport
        # Small pieces that count as sent, and are written at the end of this turn of the loop: a head and the body
        # after it, say. All else is written by `_write`, after them.
        self._joined: list[bytes] = []
        self._timer = IdleTimer(self.context, self.config.keep_alive_timeout, self.loop)
        # Hypercorn's name for it.
        self.idle_task = self._timer  # type: ignore[assignment]
        self.state = {**self.state, CUT_OFF: self._cut_off, WRITE_PIECE: self._write_piece}
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            with contextlib.suppress(OSError):  # a Unix socket
                connected = self.writer.get_extra_info("socket")
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)

    async def protocol_send(self, event: Event) -> None:
        """Send what the protocol has for the client, a piece at a time."""
        if not isinstance(event, RawData):
            await super().protocol_send(event)
        elif len(event.data) <= PIECE_BYTES:
            await self._send(event)
        else:
            data = memoryview(event.data)
            for start in range(0, len(data), PIECE_BYTES):
                await self._send(RawData(data[start : start + PIECE_BYTES]))  # type: ignore[arg-type]

    def _write_piece(self, data: bytes) -> bool:
        """Write a piece of the response's body, while no other is being sent; False if it has to be sent."""
        protocol, transport = self.protocol.protocol, self._transport
        is_chunked = isinstance(protocol, Http1) and protocol.is_chunked
        if not is_chunked or transport.get_write_buffer_size() or len(data) > PIECE_BYTES or transport.is_closing():
            return False
        self._write(chunk(data))
        if transport.get_write_buffer_size():
            self._limit_unsent()
        return True

    async def _send(self, event: RawData) -> None:
        """Send a piece: at the end of this turn of the loop with others, at once, or when there is room for it."""
        transport = self._transport
        if transport.is_closing():
            return  # asyncio would log a warning for each
        if not transport.get_write_buffer_size() and not self.send_lock.locked():
            if len(event.data) <= JOINED_BYTES and len(self._joined) < MOST_JOINED:
                if not self._joined:
                    self.loop.call_soon(self._send_joined)
                self._joined.append(event.data)
                return
            self._write(event.data)
            if not transport.get_write_buffer_size():
                return
            # The transport has it. An empty piece waits until the kernel has taken enough.
            event = RawData(b"")
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await super().protocol_send(event)
        except TimeoutError:
            self._cut_off()

    def _send_joined(self) -> None:
        self._flush()
        self._limit_unsent()

    def _write(self, data: bytes) -> None:
        if self._joined:
            self._flush()
        self._transport.write(data)

    def _flush(self) -> None:
        if self._joined and not self._transport.is_closing():
            self._transport.write(b"".join(self._joined))
        self._joined.clear()

    def _limit_unsent(self) -> None:
        """Cut off a client that does not take within `SEND_SECONDS` what the kernel has not taken at once."""
        if self._transport.get_write_buffer_size() and not self._transport.is_closing():
            self._task_group.spawn(self._send, RawData(b""))

    def _cut_off(self) -> None:
        if not self._transport.is_closing():
            log.info("the connection of a client that does not read is closed")
        self._reset()

    async def _initiate_server_close(self) -> None:
        self._flush()
        await super()._initiate_server_close()
        self._end_soon()

    async def _close(self) -> None:
        self._flush()
        self._end_soon()
        await super()._close()

    def _end_soon(self) -> None:
        # A transport that is closed waits until all that it holds is sent.
        if self._transport.get_write_buffer_size():
            self.loop.call_later(SEND_SECONDS, self._reset)

    def _reset(self) -> None:
        # Otherwise the kernel keeps for minutes what it holds for the client. The connection may be gone by now.
        with contextlib.suppress(OSError, ValueError):
            linger = struct.pack("ii", 1, 0)
            self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._transport.abort()

    async def _read_data(self) -> None:
        await super()._read_data()
        await self._timer.end()

    async def _idle_timeout(self) -> None:
        # A request may have been read in the turn of the loop in which the timer ended.
        if self._timer.may_close:
            await self._initiate_server_close()


def install() -> None:
    """Make every server of this process use them."""
    hypercorn.asyncio.run.TCPServer = Connection  # type: ignore[attr-defined, assignment]
    hypercorn.protocol.H11Protocol = Http1  # type: ignore[attr-defined]
    # The default of the class: what the command line says is an instance's.
    hypercorn.config.Config.keep_alive_timeout = KEEP_ALIVE_SECONDS
