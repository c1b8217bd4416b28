"""upstream/delivery.py on connections to a server that sends what a test has for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

import aiohttp
import pytest

from mockbackend.upstream.delivery import Take, deliver

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
asker: ContextVar[str] = ContextVar("asker")


class Connection:
    """The server's side of the newest connection; `serving` are the tasks of all."""

    def __init__(self) -> None:
        self.serving: list[asyncio.Task[None] | None] = []
        self.asked = asyncio.Semaphore(0)
        self.out: asyncio.StreamWriter

    async def serve(self, reader: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        self.serving.append(asyncio.current_task())
        self.out = out
        while (await reader.readline()).startswith(b"GET"):
            await reader.readuntil(b"\r\n\r\n")
            self.asked.release()
        out.close()
        await out.wait_closed()

    def chunk(self, data: bytes) -> None:
        self.out.write(b"%x\r\n%b\r\n" % (len(data), data))


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Connection, aiohttp.ClientSession, str]]:
    connection = Connection()
    listening = await asyncio.start_server(connection.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    async with asyncio.timeout(10), listening:
        async with aiohttp.ClientSession() as session:
            yield connection, session, url
        await asyncio.wait([task for task in connection.serving if task])


async def read(session: aiohttp.ClientSession, url: str, take: Take) -> None:
    async with session.get(url) as response:
        await deliver(response, take)


class Taken:
    """What has been taken, piece by piece, and by whom; `wanted` pieces are, then no more."""

    def __init__(self, wanted: int = 1000) -> None:
        self.pieces: list[bytes] = []
        self.by: set[str] = set()
        self._wanted = wanted
        self._came = asyncio.Event()

    def __call__(self, data: bytes) -> bool:
        self.pieces.append(data)
        self.by.add(asker.get(""))
        self._came.set()
        return len(self.pieces) >= self._wanted

    async def next(self) -> bytes:
        await self._came.wait()
        self._came.clear()
        return self.pieces[-1]


async def test_each_piece_is_given_as_it_comes() -> None:
    async with connected() as (server, session, url), asyncio.TaskGroup() as group:
        taken = Taken()
        reading = group.create_task(read(session, url, taken))
        await server.asked.acquire()
        server.out.write(CHUNKED)
        for said in (b"one", b"two", b"three"):
            server.chunk(said)
            assert await taken.next() == said
        server.out.write(b"0\r\n\r\n")
        await reading
    assert taken.pieces == [b"one", b"two", b"three"]


@pytest.mark.parametrize("whole", [CHUNKED + b"3\r\none\r\n0\r\n\r\n", HEAD + b"content-length: 3\r\n\r\none"])
async def test_a_connection_serves_the_next_request_and_its_pieces_are_given_to_who_asks(whole: bytes) -> None:
    async with connected() as (server, session, url):
        for name in ("ann", "ben"):
            asker.set(name)
            taken = Taken()
            async with asyncio.TaskGroup() as group:
                group.create_task(read(session, url, taken))
                await server.asked.acquire()
                # The head alone, so that what follows is given by the connection.
                head, end, body = whole.partition(b"\r\n\r\n")
                server.out.write(head + end)
                await asyncio.sleep(0.02)
                server.out.write(body)
            assert (taken.pieces, taken.by) == ([b"one"], {name})
        assert len(server.serving) == 1


@pytest.mark.parametrize("is_counted", [True, False], ids=["with a length", "until the connection ends"])
async def test_a_body_that_came_with_its_head_is_given(is_counted: bool) -> None:
    async with connected() as (server, session, url), asyncio.TaskGroup() as group:
        taken = Taken()
        group.create_task(read(session, url, taken))
        await server.asked.acquire()
        server.out.write(HEAD + (b"content-length: 3\r\n\r\none" if is_counted else b"\r\none"))
        assert await taken.next() == b"one"
        if not is_counted:
            server.out.close()
    assert taken.pieces == [b"one"]


@pytest.mark.parametrize("end", [b"", b"no chunk\r\n"])
async def test_a_body_that_is_cut_is_an_error_at_once(end: bytes) -> None:
    async with connected() as (server, session, url), asyncio.TaskGroup() as group:
        taken = Taken()
        reading = group.create_task(failing(session, url, taken))
        await server.asked.acquire()
        server.out.write(CHUNKED)
        server.chunk(b"one")
        assert await taken.next() == b"one"
        server.out.write(end)
        if not end:
            server.out.close()
        await reading
    assert taken.pieces == [b"one"]


async def failing(session: aiohttp.ClientSession, url: str, take: Take) -> None:
    with pytest.raises(aiohttp.ClientPayloadError):
        await read(session, url, take)


async def test_nothing_is_given_after_the_last_that_is_wanted() -> None:
    async with connected() as (server, session, url), asyncio.TaskGroup() as group:
        taken = Taken(wanted=1)
        reading = group.create_task(read(session, url, taken))
        await server.asked.acquire()
        server.out.write(CHUNKED)
        server.chunk(b"one")
        await reading
        server.chunk(b"two")
    assert taken.pieces == [b"one"]


async def test_nothing_is_given_to_a_task_that_was_cancelled() -> None:
    async with connected() as (server, session, url):
        taken = Taken()
        response = await asked(server, session, url)
        delivering = asyncio.create_task(deliver(response, taken))
        server.chunk(b"one")
        assert await taken.next() == b"one"
        assert response.connection
        assert response.connection.transport
        transport = response.connection.transport
        delivering.cancel()
        # Before the task has its turn.
        transport.get_protocol().data_received(b"3\r\ntwo\r\n")  # type: ignore[attr-defined]
        await asyncio.wait([delivering])
        assert transport.get_protocol() is response.connection.protocol
        # The rest is aiohttp's again.
        assert await response.content.readany() == b"two"
        response.close()
    assert taken.pieces == [b"one"]


async def asked(server: Connection, session: aiohttp.ClientSession, url: str) -> aiohttp.ClientResponse:
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(session.get(url))
        await server.asked.acquire()
        server.out.write(CHUNKED)
    return asking.result()


async def test_what_the_consumer_raises_ends_the_delivery() -> None:
    def refuse(data: bytes) -> bool:
        raise ValueError(data)

    async with connected() as (server, session, url):
        response = await asked(server, session, url)
        server.chunk(b"one")
        with pytest.raises(ValueError, match="one"):
            await deliver(response, refuse)
        response.close()


async def test_what_was_held_back_is_given_as_well() -> None:
    async with connected() as (server, session, url), asyncio.TaskGroup() as group:
        taken = Taken(wanted=100_000)
        # Each piece is a chunk: of so many aiohttp takes no more for the time being.
        reading = group.create_task(read(session, url, taken))
        await server.asked.acquire()
        server.out.write(CHUNKED + b"1\r\nx\r\n" * 50_000 + b"0\r\n\r\n")
        await reading
    assert b"".join(taken.pieces) == b"x" * 50_000
