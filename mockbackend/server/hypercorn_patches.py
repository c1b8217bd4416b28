"""Hypercorn's connection: ended as soon as its client ends it or reads no more, and without HTTP/2.

Hypercorn 0.18 keeps a connection for `keep_alive_timeout` even after the client has closed it, so each call of a client
that keeps nothing alive holds a descriptor and 30 KB for that long. When Hypercorn ends, it closes at once each
connection whose request has not arrived, also one that was made a moment ago. And its HTTP/2 in clear text waits for
ever for a client that opens no window: 4,000 such requests on 40 connections hold 400 MB. A client of HTTP/1.1 that
reads nothing is waited for as long, also when its connection is closed. And it closes a connection that was idle for
five seconds, as long as httpx, for example, keeps one: a request that is sent at that moment is lost with it. Hypercorn
takes no other classes for its connections and has no setting for HTTP/2; therefore ours are put in place of its own,
both under `mockbackend serve` and under plain Hypercorn.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from typing import Any

import h11
import hypercorn.asyncio.run
import hypercorn.config
import hypercorn.logging
import hypercorn.protocol
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.events import Closed, Event, RawData
from hypercorn.protocol.h11 import H11Protocol

from ..log import JSONLines

log = logging.getLogger("mockbackend.http")
# Unless `--keep-alive` says otherwise. Longer than the 60 s for which nginx keeps a connection to us, and than clients
# do, so that nobody sends into one that we are closing.
KEEP_ALIVE_SECONDS = 75.0
# A client that does not take a piece of a response within this time gets no more of it.
SEND_SECONDS = 30.0
PIECE_BYTES = 64 * 1024
# What the kernel holds of a connection besides what is on its way.
UNSENT_BYTES = 128 * 1024
# In a request's state: the function that ends its connection at once.
CUT_OFF = "cut_off"
# At the end: time for the request of a client that has connected, or uses its connection again.
LAST_REQUEST_SECONDS = 0.5


class Connection(TCPServer):
    """One client's connection. A client that has closed its side will ask for nothing more.

    What it has yet to read is bounded: a piece in asyncio's buffer, one on its way there, and the kernel's.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.state = {**self.state, CUT_OFF: self._cut_off}
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            with contextlib.suppress(OSError):  # a Unix socket
                connected = self.writer.get_extra_info("socket")
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)

    async def protocol_send(self, event: Event) -> None:
        """Send what the protocol has for the client, a piece at a time."""
        if not isinstance(event, RawData):
            await super().protocol_send(event)
        elif self.writer.transport.is_closing():
            pass  # asyncio would log a warning for each
        elif len(event.data) <= PIECE_BYTES:
            await self._send(event)
        else:
            data = memoryview(event.data)
            for start in range(0, len(data), PIECE_BYTES):
                await self._send(RawData(data[start : start + PIECE_BYTES]))  # type: ignore[arg-type]

    async def _send(self, event: RawData) -> None:
        if not self.writer.transport.get_write_buffer_size():
            await super().protocol_send(event)
            return
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await super().protocol_send(event)
        except TimeoutError:
            self._cut_off()

    def _cut_off(self) -> None:
        if not self.writer.transport.is_closing():
            log.info("the connection of a client that does not read is closed")
        self._reset()

    async def _initiate_server_close(self) -> None:
        await super()._initiate_server_close()
        self._end_soon()

    async def _close(self) -> None:
        self._end_soon()
        await super()._close()

    def _end_soon(self) -> None:
        # A transport that is closed waits until all that it holds is sent.
        if self.writer.transport.get_write_buffer_size():
            self.loop.call_later(SEND_SECONDS, self._reset)

    def _reset(self) -> None:
        # Otherwise the kernel keeps for minutes what it holds for the client. The connection may be gone by now.
        with contextlib.suppress(OSError, ValueError):
            linger = struct.pack("ii", 1, 0)
            self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()

    async def _read_data(self) -> None:
        await super()._read_data()
        await self.idle_task.stop()

    async def _idle_timeout(self) -> None:
        # A reset is not an end of file, so the wait begins once more when the response ends.
        if not self.reader.exception():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.config.keep_alive_timeout):
                    await self.context.terminated.wait()
                # A request that arrives meanwhile cancels this.
                await asyncio.sleep(LAST_REQUEST_SECONDS)
        await asyncio.shield(self._initiate_server_close())


class Http1(H11Protocol):
    """HTTP/1.1 that stays HTTP/1.1."""

    async def _check_protocol(self, event: h11.Request) -> None:
        if any(name == b"upgrade" and b"h2c" in value.lower() for name, value in event.headers):
            # Otherwise h11 waits for a switch, and nothing is read: a client that left would go unnoticed.
            self.connection._cstate.pending_switch_proposals.clear()  # type: ignore[union-attr]

    async def _create_stream(self, request: h11.Request) -> None:
        # How a client begins that knows that the server speaks HTTP/2.
        if request.method == b"PRI":
            await self.send(Closed())
        else:
            await super()._create_stream(request)


class JSONLogger(hypercorn.logging.Logger):
    """Hypercorn's own lines and its access log, as JSON."""

    def __init__(self, config: hypercorn.config.Config) -> None:
        super().__init__(config)
        for logger in map(logging.getLogger, ("hypercorn.access", "hypercorn.error")):
            for handler in logger.handlers:
                handler.setFormatter(JSONLines())
                # The root logger has a handler as well.
                logger.propagate = False


def log_json() -> None:
    """Make every server of this process log in JSON."""
    hypercorn.config.Config.logger_class = JSONLogger


def install() -> None:
    """Make every server of this process use them."""
    hypercorn.asyncio.run.TCPServer = Connection  # type: ignore[attr-defined, assignment]
    hypercorn.protocol.H11Protocol = Http1  # type: ignore[attr-defined]
    # The default of the class: what the command line says is an instance's.
    hypercorn.config.Config.keep_alive_timeout = KEEP_ALIVE_SECONDS
