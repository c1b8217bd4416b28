"""Errors before a stream: their status, their shape, and when they are said."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import httpx2
import orjson
import pytest

from mockbackend.routes import API
from tests.conftest import StartServer
from tests.harness.model import Upstream
from tests.routes.api import error_of, filled, say
from tests.running import Server, chat, lines, next_of

LIMIT = 10 * 1024 * 1024
LOGIN = base64.b64encode(b"u:p").decode()
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
MISSING = [
    (path, method)
    for path in sorted({route.path for route in API})
    for method in METHODS
    if not any((method, path) == (route.method, route.path) for route in API)
]


@pytest.mark.parametrize("path", ["/none", "/chat/", "/conversations/", "/chat/a/b", "/conversations/a/b/c", "/%2e%2e"])
async def test_a_path_that_is_none_is_a_404(client: httpx2.AsyncClient, path: str) -> None:
    assert error_of(await client.get(path), 404)["code"] == "not_found"


@pytest.mark.parametrize(("path", "method"), MISSING)
async def test_a_method_that_a_path_has_not_is_a_405_that_says_which_it_has(
    client: httpx2.AsyncClient, path: str, method: str
) -> None:
    response = await client.request(method, filled(path))
    assert error_of(response, 405)["code"] == "method_not_allowed"
    listed = {name.strip() for name in response.headers["allow"].split(",")} - {"HEAD"}
    assert listed == {route.method for route in API if route.path == path}


@pytest.mark.parametrize("path", ["/livez", "/health", "/conversations"])
async def test_head_is_get_without_a_body(client: httpx2.AsyncClient, path: str) -> None:
    response = await client.head(path)
    assert (response.status_code, response.content) == (200, b"")


async def raw(server: Server, head: str, chunks: list[bytes]) -> bytes:
    """What the server says to this request, of which no end is ever sent; what it no longer reads is not sent."""
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
        writer.close()


async def test_a_body_without_a_length_is_refused_while_it_is_read(server: Server) -> None:
    piece = b" " * 65536
    chunk = b"%x\r\n%b\r\n" % (len(piece), piece)
    head = "POST /chat HTTP/1.1\r\ntransfer-encoding: chunked"
    # More than is allowed, and the last chunk never comes.
    answer = await raw(server, head, [chunk] * (LIMIT // len(piece) + 1))
    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_a_body_that_says_its_length_is_refused_before_it_is_sent(server: Server) -> None:
    answer = await raw(server, "POST /chat HTTP/1.1\r\ncontent-length: 1000000000", [])
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("path", ["/chat", "/files"])
async def test_a_body_that_falls_silent_is_a_408(tmp_path: Path, path: str) -> None:
    kind = "multipart/form-data; boundary=B" if path == "/files" else "application/json"
    head = f"POST {path} HTTP/1.1\r\ncontent-length: 100\r\ncontent-type: {kind}"
    with Server(tmp_path, app="tests.routes.impatient_app:app") as server:
        answer = await raw(server, head, [b"--B\r\n" if path == "/files" else b'{"message": '])
    assert answer.startswith(b"HTTP/1.1 408 ")


EARLY = {
    "no login": ("POST /chat HTTP/1.1\r\nauthorization: none", 401),
    "no userid": ("POST /chat HTTP/1.1\r\nuserid: ", 400),
    "no such path": ("POST /none HTTP/1.1", 404),
    "no such method": ("PUT /chat HTTP/1.1", 405),
    "multipart": ("POST /chat HTTP/1.1\r\ncontent-type: multipart/form-data; boundary=a", 415),
    "too large": ("POST /chat HTTP/1.1", 413),
}


@pytest.mark.parametrize("case", EARLY)
async def test_an_answer_arrives_though_its_body_still_comes(server: Server, case: str) -> None:
    head, status = EARLY[case]
    size = LIMIT * 2 if status == 413 else LIMIT // 2
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    own = [line.split(":")[0] for line in head.split("\r\n")[1:]]
    headers = {"host": "test", "authorization": f"Basic {LOGIN}", "userid": "user-1", "content-length": str(size)}
    lines = [head, *(f"{name}: {value}" for name, value in headers.items() if name not in own), "", ""]
    writer.write("\r\n".join(lines).encode())
    async with asyncio.timeout(15):
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 %d " % status)
        # A client that sends first and reads then comes so far only where it is not reset.
        for _ in range(0, size, 65536):
            writer.write(b" " * min(65536, size))
            await writer.drain()
        rest = await reader.readuntil(b"}}")
    assert orjson.loads(rest)["error"]["code"]
    writer.close()


@pytest.mark.parametrize("path", ["/chat", "/conversations/a/pin"])
async def test_a_body_that_is_too_large_is_a_413(client: httpx2.AsyncClient, path: str) -> None:
    error = error_of(await client.post(path, content=b'{"a": "' + b"x" * LIMIT + b'"}'), 413)
    assert error == {"code": "too_large", "message": f"The body is larger than {LIMIT} bytes."}


async def test_a_body_as_large_as_is_allowed_is_read(client: httpx2.AsyncClient) -> None:
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
async def test_json_is_read_whatever_it_is_called(client: httpx2.AsyncClient, content_type: str) -> None:
    headers = {"content-type": content_type}
    response = await client.post("/chat", content=b'{"message": "Hello"}', headers=headers)
    assert response.status_code == 200
    assert '0:" Hello"' in response.text


async def test_json_is_read_with_no_content_type(client: httpx2.AsyncClient) -> None:
    response = await client.post("/chat", content=b'{"message": "Hello"}')
    assert response.request.headers.get("content-type") is None
    assert response.status_code == 200


async def test_more_answers_at_once_than_are_allowed_are_a_429(start_server: StartServer) -> None:
    async with Upstream() as upstream:
        limits = {"MAX_RUNNING_TURNS_PER_USER": "1", "MAX_RUNNING_TURNS": "2"}
        server = start_server({**upstream.settings, **limits})
        async with server.client("one") as one, server.client("two") as two, server.client("three") as three:
            async with (
                one.stream("POST", "/chat", json={"message": "Hello"}) as first,
                two.stream("POST", "/chat", json={"message": "Hello"}),
            ):
                calls = [await upstream.call(), await upstream.call()]
                for client in (one, three):
                    response = await client.post("/chat", json={"id": "refused", "message": "Hello"})
                    assert error_of(response, 429)["code"] == "too_many_turns"
                    assert int(response.headers["retry-after"]) > 0
                    assert (await client.get("/conversations/refused")).status_code == 404
                for call in calls:
                    await call.answer("Hi")
                await next_of(lines(first), "d")
            # There is room again once an answer has ended.
            async with asyncio.timeout(10), asyncio.TaskGroup() as group:
                group.create_task(say(three, "Hello", "refused"))
                await (await upstream.call()).answer("Hi")


async def test_images_that_cannot_be_made_are_a_422_that_names_the_setting(start_server: StartServer) -> None:
    async with Upstream() as upstream:
        server = start_server(upstream.settings)
        async with server.client() as client:
            answer = await chat(client, {"id": "a", "mode": "image", "message": "A fox"})
            assert answer.status == 422
            assert answer.json()["error"]["message"].startswith("mode: ")
            assert "OPENAI_IMAGE_MODEL" in answer.json()["error"]["message"]
            assert (await client.get("/conversations")).json() == []


async def test_every_answer_has_an_id_that_the_log_has_too(client: httpx2.AsyncClient) -> None:
    ids = {(await client.get(path)).headers["x-request-id"] for path in ("/livez", "/none", "/conversations", "/chat")}
    assert len(ids) == 4


async def test_a_client_that_leaves_in_its_body_does_no_harm(server: Server) -> None:
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
