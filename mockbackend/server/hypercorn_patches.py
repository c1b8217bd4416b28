"""Hypercorn's connection, ended as soon as its client ends it, and not before its client's request has arrived.

Hypercorn 0.18 keeps a connection for `keep_alive_timeout` even after the client has closed it, so each call of a client
that keeps nothing alive holds a descriptor and 30 KB for that long. When Hypercorn ends, it closes at once each
connection whose request has not arrived, also one that was made a moment ago. Hypercorn takes no other class for its
connections; therefore ours is put in place of its own, both under `mockbackend serve` and under plain Hypercorn.
"""

from __future__ import annotations

import asyncio
import contextlib

import hypercorn.asyncio.run
from hypercorn.asyncio.tcp_server import TCPServer

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


def install() -> None:
    """Make every server of this process use it."""
    hypercorn.asyncio.run.TCPServer = Connection  # type: ignore[attr-defined]
