"""SIGTERM under `mockbackend serve`: the port stays open, running turns end well, then it exits 0."""

from __future__ import annotations

import asyncio
import signal
import time

import pytest

from tests.conftest import StartServer
from tests.harness.answers import chat, lines, next_of
from tests.harness.model import Upstream
from tests.harness.service import Server

pytestmark = pytest.mark.slow

HELLO = {"message": {"role": "user", "content": "Hello"}}


async def drained(server: Server) -> None:
    """Wait until it says that it takes no more turns."""
    async with server.client() as client:
        for _ in range(500):
            if (await client.get("/readyz")).status_code == 503:
                return
            await asyncio.sleep(0.02)
    raise AssertionError(f"it does not drain:\n{server.log}")


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_running_turn_ends_and_new_ones_are_refused(start_server: StartServer, workers: str) -> None:
    async with Upstream() as upstream:
        server = start_server({**upstream.settings, "WEB_CONCURRENCY": workers}, kind="serve", fresh=workers == "1")
        async with server.client() as client, client.stream("POST", "/chat", json=HELLO) as response:
            call = await upstream.call()
            await call.start()
            await call.delta("one")
            reader = lines(response)
            assert await next_of(reader, "0") == "one"
            server.signal(signal.SIGTERM)
            await drained(server)
            async with server.client("user-2") as late:
                refused = await chat(late, HELLO)
                assert refused.status == 503
                assert refused.json()["error"]["code"]
                assert (await late.get("/livez")).status_code == 200
            await call.delta("two")
            await call.finish()
            assert await next_of(reader, "0") == "two"
            assert (await next_of(reader, "d"))["finishReason"] == "stop"
        assert await asyncio.to_thread(server.wait) == 0


async def test_a_worker_that_ends_answers_what_has_reached_it(start_server: StartServer) -> None:
    async with Upstream() as upstream:
        server = start_server({**upstream.settings, "WEB_CONCURRENCY": "2"}, kind="serve", fresh=True)
        async with server.client() as client, client.stream("POST", "/chat", json=HELLO) as response:
            call = await upstream.call()
            await call.start()
            # The other worker has nothing to do, so it ends at once. These connections are shared between the two.
            sent = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(40)]
            server.signal(signal.SIGTERM)
            statuses = await asyncio.gather(*(livez(*streams) for streams in sent))
            assert statuses == [b"HTTP/1.1 200"] * len(sent)
            await call.finish()
            await response.aread()
        assert await asyncio.to_thread(server.wait) == 0


async def livez(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    writer.write(b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer[:12]


async def test_a_turn_that_outlasts_the_drain_is_stopped_as_by_its_user(start_server: StartServer) -> None:
    async with Upstream() as upstream:
        server = start_server({**upstream.settings, "DRAIN_SECONDS": "0.5"}, kind="serve")
        async with server.client() as client, client.stream("POST", "/chat", json=HELLO) as response:
            call = await upstream.call()
            await call.start()
            await call.delta("one")
            reader = lines(response)
            assert await next_of(reader, "0") == "one"
            server.signal(signal.SIGTERM)
            assert await next_of(reader, "e")
            assert await next_of(reader, "d")
            await call.gone()
        assert await asyncio.to_thread(server.wait) == 0


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_second_signal_ends_it_at_once(start_server: StartServer, workers: str) -> None:
    async with Upstream() as upstream:
        server = start_server({**upstream.settings, "WEB_CONCURRENCY": workers}, kind="serve")
        async with server.client() as client, client.stream("POST", "/chat", json=HELLO):
            call = await upstream.call()
            server.signal(signal.SIGTERM)
            await drained(server)
            began = time.monotonic()
            server.signal(signal.SIGINT)
            assert await asyncio.to_thread(server.wait) == 0
            assert time.monotonic() - began < 5
            await call.gone()
    assert "Traceback" not in server.log
