"""Helpers of the API's tests: the shape of every error, and short ways to chat."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from typing import Any

import httpx2

from tests.harness.answers import Answer, chat

# Words that would reveal internals.
INTERNALS = ("Traceback", "mockbackend", "site-packages", 'File "', "Error(", "127.0.0.1", "sqlite", "0x")


def filled(path: str, conversation_id: str = "any") -> str:
    """A path of the API's table with something in each of its places."""
    return re.sub(r"\{\w+\}", conversation_id, path)


def error_of(response: httpx2.Response, status: int) -> dict[str, str]:
    """The error of a response with this status: `{code, message}`, without internals."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body: dict[str, Any] = response.json()
    assert set(body) == {"error"}
    error: dict[str, str] = body["error"]
    assert set(error) == {"code", "message"}
    assert all(isinstance(value, str) and value for value in error.values())
    assert not [word for word in INTERNALS if word in error["message"]], error
    return error


async def say(client: httpx2.AsyncClient, text: str, conversation_id: str | None = None, **more: Any) -> Answer:
    """One message as curl sends it, answered to its end."""
    answer = await chat(client, {"message": text, **({"id": conversation_id} if conversation_id else {}), **more})
    assert answer.status == 200, answer.body
    return answer


async def texts(client: httpx2.AsyncClient, conversation_id: str) -> list[tuple[str, str]]:
    """Role and content of each stored message."""
    response = await client.get(f"/conversations/{conversation_id}")
    assert response.status_code == 200, response.text
    return [(message["role"], message["content"]) for message in response.json()["messages"]]


def png(width: int = 2, height: int = 2) -> bytes:
    """A small PNG that is really one."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\xff\0\0" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def data_url(content: bytes, media_type: str) -> str:
    """These bytes as a data: URL."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


async def listed(client: httpx2.AsyncClient, **query: Any) -> list[str]:
    """The ids of the conversations that GET /conversations lists, in their order."""
    response = await client.get("/conversations", params=query)
    assert response.status_code == 200, response.text
    return [row["id"] for row in response.json()]


async def stored(client: httpx2.AsyncClient, conversation_id: str) -> list[dict[str, Any]]:
    """The messages of a conversation."""
    response = await client.get(f"/conversations/{conversation_id}")
    assert response.status_code == 200, response.text
    messages: list[dict[str, Any]] = response.json()["messages"]
    return messages
