"""Clients that read nothing: what is unsent is bounded, and after a while their connection is closed."""

from __future__ import annotations

import asyncio
import base64
import select
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from mockbackend.app import USER_READS
from mockbackend.routes.unread import MAX_UNREAD_BYTES
from tests.conftest import StartServer
from tests.harness.api import texts
from tests.harness.model import Call, Upstream
from tests.harness.service import AUTH, Kind, Server
from tests.harness.waiting import idle, until

# More than the kernel takes of a connection on its own.
PIECE = "x" * 1024
LARGE = 16 * 1024 * 1024
pytestmark = pytest.mark.slow


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as running:
        yield running


@pytest.fixture
def brisk(tmp_path: Path) -> Server:
    return Server(tmp_path, {"MAX_FILE_BYTES": str(LARGE)}, app="tests.server.brisk_app:app")


def ask(server: Server, head: str, body: bytes = b"") -> socket.socket:
    """Send a request; nothing of the response is read."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", server.port))
    login = base64.b64encode(":".join(AUTH).encode()).decode()
    headers = f"host: here\r\nauthorization: Basic {login}\r\nuserid: user-1\r\ncontent-length: {len(body)}"
    client.sendall(f"{head} HTTP/1.1\r\n{headers}\r\n\r\n".encode() + body)
    return client


async def closed(client: socket.socket) -> None:
    """Wait until the server has reset the connection."""
    poll = select.poll()
    poll.register(client, 0)

    async def is_reset() -> bool:
        return bool(poll.poll(0))

    await until(is_reset, within=15)
    client.close()


async def say(call: Call, size: int) -> None:
    """Have the model say that much, as fast as it can."""
    for _ in range(size // (64 * len(PIECE))):
        await call.deltas(*[PIECE] * 64)


@pytest.mark.parametrize("kind", ["serve", "hypercorn"])
async def test_a_turn_that_says_too_much_to_it_is_stopped(
    start_server: StartServer, upstream: Upstream, kind: Kind
) -> None:
    server = start_server(upstream.settings, kind=kind)
    client = ask(server, "POST /chat", b'{"id": "c", "message": "Hello"}')
    call = await upstream.call()
    await call.start()
    await say(call, 8 * MAX_UNREAD_BYTES)
    await asyncio.gather(closed(client), call.gone())
    async with server.client() as reader:
        await idle(reader)
        assert (await texts(reader, "c"))[1][1].startswith(PIECE)
    assert "Traceback" not in server.log


async def test_a_resumable_one_goes_on(start_server: StartServer, upstream: Upstream) -> None:
    server = start_server(upstream.settings)
    client = ask(server, "POST /chat", b'{"id": "c", "message": "Hello", "resumable": true}')
    call = await upstream.call()
    await call.start()
    await say(call, 8 * MAX_UNREAD_BYTES)
    await closed(client)
    await call.delta("and the end")
    await call.finish()
    async with server.client() as reader:
        await idle(reader)
        said = (await texts(reader, "c"))[1][1]
    assert len(said) == 8 * MAX_UNREAD_BYTES + len("and the end")
    assert said.endswith("and the end")


async def test_it_has_a_moment_for_each_piece(brisk: Server) -> None:
    """Neither holds its connection for longer, whatever it asked for: a file or a conversation."""
    with brisk as server:
        async with server.client() as reader:
            content = b"word " * (LARGE // 5)
            (row,) = (await reader.post("/files", files={"file": ("a.txt", content)})).json()
            messages = [{"role": ("user", "assistant")[n % 2], "content": "word " * 1800} for n in range(1_001)]
            begun = await reader.post("/chat", content=orjson.dumps({"id": "long", "messages": messages}))
            assert begun.status_code == 200
            # A user's places for conversations, and one more that waits for them.
            clients = [ask(server, "GET /conversations/long") for _ in range(USER_READS + 1)]
            await asyncio.gather(*map(closed, [ask(server, f"GET /files/{row['id']}/content"), *clients]))
            assert (await reader.get("/conversations/long")).json()["message_count"] == 1_002
    assert "Traceback" not in server.log


async def test_who_reads_slowly_is_waited_for(brisk: Server) -> None:
    with brisk as server:
        async with server.client() as reader:
            (row,) = (await reader.post("/files", files={"file": ("a.txt", b"word " * 400_000)})).json()
        client = ask(server, f"GET /files/{row['id']}/content")
        client.settimeout(10)
        received = 0
        # A whole piece in much less than a second each.
        while received < 2_000_000:
            piece = await asyncio.to_thread(client.recv, 32 * 1024)
            assert piece != b"", f"closed after {received} bytes"
            received += len(piece)
        client.close()


async def test_memory_is_bounded_by_what_is_on_its_way(start_server: StartServer) -> None:
    server = start_server(fresh=True)
    async with server.client() as reader:
        (row,) = (await reader.post("/files", files={"file": ("a.txt", b"word " * (LARGE // 5))})).json()
        before = resident(server.pid)
        clients = [ask(server, f"GET /files/{row['id']}/content") for _ in range(40)]
        # All of them have been answered as far as they will be.
        assert (await reader.get(f"/files/{row['id']}/content")).status_code == 200
        assert resident(server.pid) - before < 100 * 2**20
    for client in clients:
        client.close()


def resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
