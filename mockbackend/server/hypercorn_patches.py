"""Hypercorn's connection, ended as soon as its client ends it.

Hypercorn 0.18 keeps a connection for `keep_alive_timeout` even after the client has closed it, so each call of a client
that keeps nothing alive holds a descriptor and 30 KB for that long. Hypercorn takes no other class for its connections;
therefore ours is put in place of its own, both under `mockbackend serve` and under plain Hypercorn.
"""

from __future__ import annotations

import asyncio

import hypercorn.asyncio.run
from hypercorn.asyncio.tcp_server import TCPServer


class Connection(TCPServer):
    """One client's connection. A client that has closed its side will ask for nothing more."""

    async def _read_data(self) -> None:
        await super()._read_data()
        await self.idle_task.stop()

    async def _idle_timeout(self) -> None:
        # A reset is not an end of file, so the wait begins once more when the response ends.
        if self.reader.exception():
            await asyncio.shield(self._initiate_server_close())
        else:
            await super()._idle_timeout()


def install() -> None:
    """Make every server of this process use it."""
    hypercorn.asyncio.run.TCPServer = Connection  # type: ignore[attr-defined]
