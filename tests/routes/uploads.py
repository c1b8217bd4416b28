"""Multipart bodies, and the files on the server's disk."""

from __future__ import annotations

import asyncio
import base64
import time
from typing import Any

import httpx2

from tests.harness.service import AUTH, Server

MULTIPART = {"content-type": "multipart/form-data; boundary=B"}
LOGIN = base64.b64encode(":".join(AUTH).encode()).decode()


class Sending:
    """An upload on a connection of its own, sent piece by piece."""

    def __init__(self, server: Server, userid: str, length: int) -> None:
        self._server = server
        headers = {**MULTIPART, "host": "test", "authorization": f"Basic {LOGIN}", "userid": userid}
        lines = ["POST /files HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        self._head = "\r\n".join([*lines, f"content-length: {length}", "connection: close", "", ""]).encode()

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self) -> bytes:
        async with asyncio.timeout(15):
            return await self._reader.read()

    async def __aenter__(self) -> Sending:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._server.port)
        await self.send(self._head)
        return self

    async def __aexit__(self, *error: object) -> None:
        # To close it would wait until all is sent, which a server that reads no more prevents.
        self._writer.transport.abort()


def part(disposition: bytes, content: bytes) -> bytes:
    """One part, without the boundary before it."""
    return b"Content-Disposition: form-data" + disposition + b"\r\n\r\n" + content + b"\r\n"


def body(*parts: bytes) -> bytes:
    """A whole body of these parts."""
    return b"".join(b"--B\r\n" + one for one in parts) + b"--B--\r\n"


def blobs(server: Server, holding: bytes) -> int:
    """How many files of the server's folder begin with these bytes."""
    found = 0
    for path in (server.data_dir / "files").iterdir():
        try:
            found += path.read_bytes().startswith(holding)
        except FileNotFoundError:
            continue
    return found


def until_there(server: Server, holding: bytes) -> None:
    """Wait until a file begins with these bytes."""
    _wait(server, holding, there=True)


def until_gone(server: Server, holding: bytes) -> None:
    """Wait until no file begins with these bytes."""
    _wait(server, holding, there=False)


async def upload(client: httpx2.AsyncClient, *files: tuple[str, bytes]) -> list[dict[str, Any]]:
    """Upload files by name and content, as a client library does; the rows of the answer."""
    response = await client.post("/files", files=[("files", file) for file in files])
    assert response.status_code == 202, response.text
    rows: list[dict[str, Any]] = response.json()
    return rows


def _wait(server: Server, holding: bytes, *, there: bool) -> None:
    deadline = time.monotonic() + 15
    while bool(blobs(server, holding)) != there:
        assert time.monotonic() < deadline, f"{holding!r} is {'not' if there else 'still'} there"
        time.sleep(0.02)
