"""Hypercorn's connection: ended as soon as its client ends it, not before a request has arrived, and without HTTP/2.

Hypercorn 0.18 keeps a connection for `keep_alive_timeout` even after the client has closed it, so each call of a client
that keeps nothing alive holds a descriptor and 30 KB for that long. When Hypercorn ends, it closes at once each
connection whose request has not arrived, also one that was made a moment ago. And its HTTP/2 in clear text waits for
ever for a client that opens no window: 4,000 such requests on 40 connections hold 400 MB. Hypercorn takes no other
classes for its connections and has no setting for HTTP/2; therefore ours are put in place of its own, both under
`mockbackend serve` and under plain Hypercorn.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

import h11
import hypercorn.asyncio.run
import hypercorn.config
import hypercorn.logging
import hypercorn.protocol
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.events import Closed
from hypercorn.protocol.h11 import H11Protocol

from ..log import JSONLines

# At the end: time for the request of a client that has connected, or uses its connection again.
LAST_REQUEST_SECONDS = 0.5


class Connection(TCPServer):
    """One client's connection. A client that has closed its side will ask for nothing more."""

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
        for name in ("hypercorn.access", "hypercorn.error"):
            for handler in logging.getLogger(name).handlers:
                handler.setFormatter(JSONLines())


def log_json() -> None:
    """Make every server of this process log in JSON."""
    hypercorn.config.Config.logger_class = JSONLogger


def install() -> None:
    """Make every server of this process use them."""
    hypercorn.asyncio.run.TCPServer = Connection  # type: ignore[attr-defined]
    hypercorn.protocol.H11Protocol = Http1  # type: ignore[attr-defined]
