"""Hypercorn's connection, which ends when its client ends it.

Hypercorn 0.18 waits out `keep_alive_timeout` also where the client has closed: for so long every call of a client that
keeps nothing alive holds a descriptor and 30 KB. It takes no class of ours for its connections, so we put it there.
"""

from __future__ import annotations

import asyncio

import hypercorn.asyncio.run
from hypercorn.asyncio.tcp_server import TCPServer


class Connection(TCPServer):
    """One client's connection; whoever has closed its side will ask for nothing more."""

    async def _read_data(self) -> None:
        await super()._read_data()
        await self.idle_task.stop()

    async def _idle_timeout(self) -> None:
        # After a reset, which is no end of file, the answer's end begins to wait once more.
        if self.reader.exception():
            await asyncio.shield(self._initiate_server_close())
        else:
            await super()._idle_timeout()


def install() -> None:
    """Have every server of this process use it."""
    hypercorn.asyncio.run.TCPServer = Connection  # type: ignore[attr-defined]
