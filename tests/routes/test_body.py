"""Bodies: their size, their content type, and clients that stop sending."""

from __future__ import annotations

import asyncio
import base64
import codecs
import gzip
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx2
import pytest

from mockbackend.routes.body import SMALL_BYTES
from tests.conftest import StartServer
from tests.harness.api import error_of
from tests.harness.service import Server
from tests.harness.waiting import until

LIMIT = 10 * 1024 * 1024
LOGIN = base64.b64encode(b"u:p").decode()


@pytest.fixture(scope="module")
def server(alone: Server) -> Server:
    """One on which no turn runs."""
    return alone


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server"), app="tests.routes.impatient_app:app") as server:
        yield server


@asynccontextmanager
async def holding(server: Server, userid: str) -> AsyncIterator[asyncio.StreamReader]:
    """What is answered to a body of 250,000 bytes that is sent but for its last byte."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = f"host: test\r\nauthorization: Basic {LOGIN}\r\nuserid: {userid}\r\ncontent-length: 250000"
    try:
        writer.write(f"POST /chat HTTP/1.1\r\n{head}\r\n\r\n".encode() + b" " * 249_999)
        yield reader
    finally:
        writer.transport.abort()


async def first_refusal(held: list[asyncio.StreamReader]) -> bytes:
    """The first answer to any of them, which is held no more."""
    answers = {asyncio.ensure_future(reader.readuntil(b"}}")): reader for reader in held}
    async with asyncio.timeout(15):
        done, pending = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    (answer,) = done
    held.remove(answers[answer])
    return answer.result()


async def raw(server: Server, head: str, chunks: list[bytes]) -> bytes:
    """The response to a request whose end is never sent. Sending stops when the server stops reading."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    lines = [head, "host: test", f"authorization: Basic {LOGIN}", "userid: user-1", "connection: close", "", ""]
    writer.write("\r\n".join(lines).encode())
    try:
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
    except ConnectionError:
        pass
    try:
        async with asyncio.timeout(15):
            return await reader.readuntil(b"\r\n\r\n")
    finally:
        # To close it would wait until all is sent, and the server reads no more.
        writer.transport.abort()


async def test_a_body_without_a_length_is_refused_while_it_is_read(server: Server) -> None:
    piece = b" " * 65536
    chunk = b"%x\r\n%b\r\n" % (len(piece), piece)
    head = "POST /chat HTTP/1.1\r\ntransfer-encoding: chunked"
    # More than is allowed, and the last chunk never comes.
    answer = await raw(server, head, [chunk] * (LIMIT // len(piece) + 1))
    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_a_body_that_declares_too_large_a_length_is_refused_before_it_is_sent(server: Server) -> None:
    answer = await raw(server, "POST /chat HTTP/1.1\r\ncontent-length: 1000000000", [])
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "br", "gzip, identity"])
@pytest.mark.parametrize("path", ["/chat", "/files"])
async def test_a_compressed_body_is_a_415(client: httpx2.AsyncClient, path: str, encoding: str) -> None:
    headers = {"content-encoding": encoding, "content-type": "multipart/form-data; boundary=B"}
    if path == "/chat":
        headers["content-type"] = "application/json"
    response = await client.post(path, content=gzip.compress(b'{"message": "Hello"}'), headers=headers)
    error = error_of(response, 415)
    assert error["message"].startswith(f"The body is compressed ({encoding.strip().lower()})")
    assert response.headers["accept-encoding"] == "identity"


async def test_a_compressed_body_that_says_nothing_of_it_is_a_415(client: httpx2.AsyncClient) -> None:
    response = await client.post("/chat", content=gzip.compress(b'{"message": "Hello"}'))
    assert "compressed (gzip)" in error_of(response, 415)["message"]


async def test_a_body_in_its_own_encoding_and_with_a_mark_is_read(client: httpx2.AsyncClient) -> None:
    body = codecs.BOM_UTF8 + b'{"message": "Hello"}'
    response = await client.post("/chat", content=body, headers={"content-encoding": "identity"})
    assert response.status_code == 200


@pytest.mark.parametrize("path", ["/chat", "/files"])
async def test_a_body_that_stops_arriving_is_a_408(impatient: Server, path: str) -> None:
    kind = "multipart/form-data; boundary=B" if path == "/files" else "application/json"
    head = f"POST {path} HTTP/1.1\r\ncontent-length: 100\r\ncontent-type: {kind}"
    answer = await raw(impatient, head, [b"--B\r\n" if path == "/files" else b'{"message": '])
    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_trickles_is_a_408(impatient: Server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", impatient.port)
    head = f"host: test\r\nauthorization: Basic {LOGIN}\r\nuserid: user-1\r\ncontent-length: 100000"
    writer.write(f"POST /chat HTTP/1.1\r\n{head}\r\n\r\n".encode())
    answer = asyncio.ensure_future(reader.readuntil(b"\r\n\r\n"))
    async with asyncio.timeout(15):
        while not (await asyncio.wait({answer}, timeout=0.1))[0]:
            writer.write(b" ")
    assert answer.result().startswith(b"HTTP/1.1 408 ")
    assert b" bytes were received in " in await reader.readuntil(b"}}")
    writer.close()


async def test_a_body_that_arrives_slowly_is_read(impatient: Server) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(12):
            yield b" " * 2000
            await asyncio.sleep(0.1)
        yield b'{"message": "Hello"}'

    async with impatient.client() as client:
        assert (await client.post("/chat", content=pieces())).status_code == 200


async def test_bodies_under_way_are_limited_for_a_user_and_for_all(start_server: StartServer) -> None:
    limits = {"MAX_BODY_BYTES": "300000", "MAX_INCOMING_BYTES_PER_USER": "400000", "MAX_INCOMING_BYTES": "650000"}
    server = start_server(limits)
    async with AsyncExitStack() as stack:
        held = [await stack.enter_async_context(holding(server, "user-1")) for _ in range(3)]
        refusal = await first_refusal(held)
        assert refusal.startswith(b"HTTP/1.1 429 ")
        assert b"\r\nretry-after: 2\r\n" in refusal
        assert b"400000 bytes of requests are under way (MAX_INCOMING_BYTES_PER_USER)" in refusal
        held += [await stack.enter_async_context(holding(server, user)) for user in ("user-2", "user-3")]
        assert b"650000 bytes of requests are under way (MAX_INCOMING_BYTES)" in await first_refusal(held)
        async with server.client() as client:
            # A short message passes, whatever is held.
            assert (await client.post("/chat", content=b'{"message": "Hello"}')).status_code == 200
    async with server.client() as client:

        async def passes() -> bool:
            return (await client.post("/chat", content=b" " * 250_000 + b'{"message": "Hello"}')).status_code == 200

        await until(passes)


@pytest.mark.parametrize(
    ("path", "limit", "named"), [("/chat", LIMIT, " (MAX_BODY_BYTES)"), ("/conversations/a/pin", SMALL_BYTES, "")]
)
async def test_a_body_that_is_too_large_is_a_413(client: httpx2.AsyncClient, path: str, limit: int, named: str) -> None:
    error = error_of(await client.post(path, content=b'{"a": "' + b"x" * limit + b'"}'), 413)
    assert error == {"code": "too_large", "message": f"The body is larger than {limit} bytes{named}."}


async def test_a_body_of_the_maximum_size_is_read(client: httpx2.AsyncClient) -> None:
    opening, ending = b'{"message": "Hello", "own": "', b'"}'
    content = opening + b"x" * (LIMIT - len(opening) - len(ending)) + ending
    response = await client.post("/chat", content=content)
    assert response.status_code == 200


async def test_the_largest_body_is_a_setting(start_server: StartServer) -> None:
    server = start_server({"MAX_BODY_BYTES": "100"})
    async with server.client() as client:
        assert (await client.post("/chat", content=b'{"message": "Hello"}')).status_code == 200
        error_of(await client.post("/chat", content=b'{"message": "' + b"x" * 100 + b'"}'), 413)


async def test_multipart_is_the_one_content_type_that_is_refused(client: httpx2.AsyncClient) -> None:
    response = await client.post("/chat", files={"message": b"Hello"})
    assert error_of(response, 415)["code"] == "unsupported_media_type"


CONTENT_TYPES = ["application/x-www-form-urlencoded", "text/plain;charset=UTF-8", "application/json", "nonsense"]


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
async def test_json_is_read_under_any_content_type(client: httpx2.AsyncClient, content_type: str) -> None:
    headers = {"content-type": content_type}
    response = await client.post("/chat", content=b'{"message": "Hello"}', headers=headers)
    assert response.status_code == 200
    assert '0:" Hello"' in response.text


async def test_json_is_read_without_a_content_type(client: httpx2.AsyncClient) -> None:
    response = await client.post("/chat", content=b'{"message": "Hello"}')
    assert response.request.headers.get("content-type") is None
    assert response.status_code == 200


async def test_a_client_that_leaves_in_mid_body_does_no_harm(server: Server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    headers = f"host: test\r\nauthorization: Basic {LOGIN}\r\nuserid: user-1\r\ncontent-length: 100"
    writer.write(f'POST /chat HTTP/1.1\r\n{headers}\r\n\r\n{{"message": '.encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert await reader.read() == b""
    async with server.client() as client:
        assert (await client.get("/health")).json()["running_turns"] == 0
    assert "Traceback" not in server.log
