"""The end of a server: an idle connection has a moment for a last request, and none waits for longer."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import hypercorn.asyncio.run
import pytest
from hypercorn.asyncio import serve
from hypercorn.config import Config

from mockbackend.server import hypercorn_patches, idle_timer
from tests.harness.waiting import until

ASKED = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
ANSWERED = b"HTTP/1.1 204 \r\n"
LONG = 60.0


@dataclass(frozen=True)
class Idle:
    """A connection that has been used, and the server's end."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    end: asyncio.Event

    async def ask(self) -> None:
        self.writer.write(ASKED)
        head = await self.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(ANSWERED)

    async def rest(self) -> bytes:
        """What comes until the connection is closed."""
        async with asyncio.timeout(LONG / 3):
            return await self.reader.read()


@pytest.fixture
async def idle(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Idle]:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body"})

    monkeypatch.setattr(hypercorn.asyncio.run, "TCPServer", hypercorn_patches.Connection)
    listening = socket.create_server(("127.0.0.1", 0))
    address, end, config = listening.getsockname(), asyncio.Event(), Config()
    config.bind, config.errorlog = [f"fd://{listening.detach()}"], None
    # Neither ends a connection here.
    config.keep_alive_timeout = config.graceful_timeout = LONG
    running = asyncio.create_task(serve(app, config, shutdown_trigger=end.wait))
    reader, writer = await asyncio.open_connection(*address)
    found = Idle(reader, writer, end)
    await found.ask()
    yield found
    writer.close()
    await running


async def is_refused(idle: Idle) -> bool:
    """Whether the server takes no further connection: its end has begun."""
    try:
        _, writer = await asyncio.open_connection(*idle.writer.get_extra_info("peername"))
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


async def test_a_request_at_the_end_is_answered(idle: Idle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle_timer, "LAST_REQUEST_SECONDS", LONG)
    idle.end.set()
    await until(lambda: is_refused(idle))
    # Of the wait that follows the request.
    monkeypatch.setattr(idle_timer, "LAST_REQUEST_SECONDS", 0.0)
    await idle.ask()
    assert await idle.rest() == b""


async def test_a_connection_that_stays_idle_is_closed(idle: Idle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle_timer, "LAST_REQUEST_SECONDS", 0.0)
    idle.end.set()
    assert await idle.rest() == b""


async def test_a_request_that_comes_as_the_time_ends_is_answered(idle: Idle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle_timer, "LAST_REQUEST_SECONDS", 0.2)
    idle.end.set()
    await until(lambda: is_refused(idle))
    # The loop finds the request and the end of the time at once.
    idle.writer.write(ASKED)
    time.sleep(0.3)  # noqa: ASYNC251
    assert (await idle.reader.readuntil(b"\r\n\r\n")).startswith(ANSWERED)
