"""Request ids, and answers to requests whose body is not read."""

from __future__ import annotations

import asyncio
import base64

import httpx2
import orjson
import pytest

from tests.harness.service import Server

LIMIT = 10 * 1024 * 1024
LOGIN = base64.b64encode(b"u:p").decode()
EARLY = {
    "no login": ("POST /chat HTTP/1.1\r\nauthorization: none", 401),
    "no userid": ("POST /chat HTTP/1.1\r\nuserid: ", 400),
    "no such path": ("POST /none HTTP/1.1", 404),
    "no such method": ("PUT /chat HTTP/1.1", 405),
    "multipart": ("POST /chat HTTP/1.1\r\ncontent-type: multipart/form-data; boundary=a", 415),
    "too large": ("POST /chat HTTP/1.1", 413),
}


@pytest.mark.parametrize("case", EARLY)
async def test_a_response_arrives_while_the_body_is_still_being_sent(server: Server, case: str) -> None:
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
        # A client that first sends everything and then reads gets this far only if it is not reset.
        for _ in range(0, size, 65536):
            writer.write(b" " * min(65536, size))
            await writer.drain()
        rest = await reader.readuntil(b"}}")
    assert orjson.loads(rest)["error"]["code"]
    writer.close()


async def test_every_response_has_a_request_id_of_its_own(client: httpx2.AsyncClient) -> None:
    ids = {(await client.get(path)).headers["x-request-id"] for path in ("/livez", "/none", "/conversations", "/chat")}
    assert len(ids) == 4
