"""Deltas are passed on as they come; those that come together, in one piece."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator

import pytest

from tests.harness.model import Upstream
from tests.harness.service import AUTH, Server
from tests.upstream.conftest import OPENAI, Driven

QUESTION = b'{"message": "Hi"}'
LOGIN = base64.b64encode(":".join(AUTH).encode())
ASKED = (
    b"POST /chat HTTP/1.1\r\nHost: here\r\nAuthorization: Basic %b\r\nuserid: user-1\r\nContent-Length: %d\r\n\r\n%b"
    % (LOGIN, len(QUESTION), QUESTION)
)


class Pieces:
    """One answer's body, in the HTTP chunks that the service sent."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def next(self) -> bytes:
        """The next piece; nothing after the last."""
        async with asyncio.timeout(10):
            size = int(await self._reader.readline(), 16)
            piece = await self._reader.readexactly(size)
            await self._reader.readline()
        return piece


@pytest.fixture
async def both(driven: Driven) -> AsyncIterator[tuple[Upstream, Server]]:
    async with driven(OPENAI) as found:
        yield found


@pytest.fixture
def upstream(both: tuple[Upstream, Server]) -> Upstream:
    return both[0]


@pytest.fixture
async def pieces(both: tuple[Upstream, Server]) -> AsyncIterator[Pieces]:
    reader, writer = await asyncio.open_connection("127.0.0.1", both[1].port)
    writer.write(ASKED)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    yield Pieces(reader)
    writer.close()
    await writer.wait_closed()


async def test_the_step_begins_before_the_model_responds(upstream: Upstream, pieces: Pieces) -> None:
    call = await upstream.call()
    assert (await pieces.next()).startswith(b'f:{"messageId":"')
    await call.answer("Hello")


async def test_each_delta_goes_out_while_the_next_is_held_back(upstream: Upstream, pieces: Pieces) -> None:
    call = await upstream.call()
    await pieces.next()
    await call.start()
    for text in ("One", "Two", "Three"):
        await call.delta(text)
        assert await pieces.next() == b'0:"%b"\n' % text.encode()
    await call.finish()


async def test_deltas_that_come_together_are_one_piece_and_a_line_each(upstream: Upstream, pieces: Pieces) -> None:
    call = await upstream.call()
    await pieces.next()
    await call.start()
    texts = [f"{number}" for number in range(50)]
    await call.deltas(*texts)
    assert await pieces.next() == b"".join(b'0:"%b"\n' % text.encode() for text in texts)
    await call.finish()
