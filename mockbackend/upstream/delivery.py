"""A body's bytes, given to their consumer by a call as they arrive.

To wait for each piece costs a future, a turn of the task, and a step through every coroutine in which it waits.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable

import aiohttp

# What is given to it is taken; True ends the delivery.
Take = Callable[[bytes], bool]
# aiohttp holds nothing back before it has so much; where it does, reading lets more come at once.
HELD_BYTES = 16 * 1024
LOST = "The connection was closed within the response."


async def deliver(response: aiohttp.ClientResponse, take: Take) -> None:
    """Give the body to `take` until it wants no more, or the body has ended. Raises what reading raises."""
    connection = response.connection
    if connection is None or connection.transport is None or connection.protocol is None:
        # The body has ended with its head, or the connection is lost.
        _give_all(response.content, take)
        return
    delivery = _Delivery(response.content, connection.transport, connection.protocol, take)
    try:
        await delivery.run()
    finally:
        delivery.step_aside()


class _Delivery(asyncio.Protocol):
    """Stands before aiohttp's own protocol, which gets all from it, for as long as the body comes."""

    def __init__(
        self, content: aiohttp.StreamReader, transport: asyncio.Transport, following: asyncio.Protocol, take: Take
    ) -> None:
        self._content = content
        self._transport = transport
        self._next = following
        self._take = take
        # The connection calls in the context of the request that opened it; `take` runs in this request's.
        self._context = contextvars.copy_context()
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Return at the end of the body, or once `take` wants no more."""
        self._transport.set_protocol(self)
        self._give()
        await self._over

    def step_aside(self) -> None:
        """Leave the connection to aiohttp, as it was."""
        if self._transport.get_protocol() is self:
            self._transport.set_protocol(self._next)

    def data_received(self, data: bytes) -> None:
        self._next.data_received(data)
        self._give()

    def _give(self) -> None:
        """Give on what has come."""
        if self._over.done():
            # A stop has cancelled it, say: nothing more is given.
            return
        try:
            is_over = self._context.run(_give_all, self._content, self._take)
        except Exception as error:
            self._over.set_exception(error)
        else:
            if is_over:
                self._over.set_result(None)

    def eof_received(self) -> bool | None:
        return self._next.eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        self._next.connection_lost(error)
        self._give()
        if not self._over.done():
            self._over.set_exception(aiohttp.ClientPayloadError(LOST))

    def pause_writing(self) -> None:
        self._next.pause_writing()

    def resume_writing(self) -> None:
        self._next.resume_writing()


def _give_all(content: aiohttp.StreamReader, take: Take) -> bool:
    """Give all that has come; returns whether nothing is to follow."""
    while data := content.read_nowait():
        if take(data):
            return True
        if len(data) < HELD_BYTES:
            break
    return content.at_eof()
