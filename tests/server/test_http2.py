"""HTTP/2 in clear text: nobody speaks it here, and those who offer it are answered in HTTP/1.1."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.conftest import StartServer
from tests.harness.model import Upstream
from tests.harness.service import AUTH, Server

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5)
# As Java's HttpClient begins.
OFFER = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAA"


def asked(request: str, body: bytes = b"") -> bytes:
    login = base64.b64encode(":".join(AUTH).encode()).decode()
    headers = f"Host: here\r\nAuthorization: Basic {login}\r\nuserid: user-1\r\n{OFFER}"
    length = f"\r\nContent-Length: {len(body)}" if body else ""
    return f"{request} HTTP/1.1\r\n{headers}{length}\r\n\r\n".encode() + body


async def read_until(reader: asyncio.StreamReader, end: bytes) -> bytes:
    async with asyncio.timeout(10):
        return await reader.readuntil(end)


@pytest.fixture(scope="module", params=["serve", "hypercorn"])
def server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Server]:
    """One of each kind."""
    with Server(tmp_path_factory.mktemp("server"), kind=request.param) as running:
        yield running


def test_a_client_that_assumes_it_is_closed(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(PREFACE)
        assert client.recv(1024) == b""
    assert "Traceback" not in server.log


async def test_one_that_offers_it_is_answered_in_http_1_1(server: Server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    # The second request shows that the connection lives on.
    for request, body in (("GET /livez", b""), ("POST /chat", b'{"message": "Hello"}')):
        writer.write(asked(request, body))
        assert (await read_until(reader, b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        await read_until(reader, b"}" if not body else b"\r\n0\r\n\r\n")
    writer.close()
    await writer.wait_closed()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as running:
        yield running


async def test_one_that_offered_it_and_leaves_ends_the_model_call(
    start_server: StartServer, upstream: Upstream
) -> None:
    server = start_server(upstream.settings)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(asked("POST /chat", b'{"message": "Hello"}'))
    call = await upstream.call()
    await call.start()
    await call.delta("one")
    await read_until(reader, b'0:"one"\n')
    writer.close()
    await call.gone()
