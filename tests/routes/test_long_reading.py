"""GET /conversations/{id} of a long conversation: it is sent as it is read, of one moment or not to its end."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import orjson
import pytest

from mockbackend.settings import Settings
from mockbackend.storage import open_storage
from tests.harness.answers import chat
from tests.harness.postgres import postgres
from tests.harness.service import AUTH, Server
from tests.storage.contract.acts import message, ran, turn_of

TURNS = 20
# Of one that is read whole: several pieces.
READ = 5
# In all, more than the service has read and the kernel has taken when nobody takes any more.
WORDS = "word " * 13_000


@pytest.fixture(scope="module", params=["embedded", pytest.param("postgres", marks=pytest.mark.slow)])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service with a short conversation, and a long one for each test."""
    folder = tmp_path_factory.mktemp("server")
    with ExitStack() as stack:
        url = postgres().url(stack.enter_context(postgres().schema())) if request.param == "postgres" else ""
        asyncio.run(fill(Settings(data_dir=folder / "data", database_url=url)))
        yield stack.enter_context(Server(folder, {"DATABASE_URL": url} if url else {}))


async def fill(settings: Settings) -> None:
    storage = await open_storage(settings)
    await ran(storage, turn_of("short", "short", userid="user-1"))
    for conversation_id, turns in (("whole", READ), ("added", TURNS), ("edited", TURNS)):
        for number in range(turns):
            turn = turn_of(f"{conversation_id}-{number}", conversation_id, userid="user-1", base_length=2 * number)
            await ran(storage, replace(turn, new_messages=[message("user", turn.turn_id, f"{number} {WORDS}")]))
    await storage.close()


def ask(server: Server, conversation_id: str) -> socket.socket:
    """Ask for a conversation, and read the head of the response alone."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", server.port))
    login = base64.b64encode(":".join(AUTH).encode()).decode()
    head = f"GET /conversations/{conversation_id} HTTP/1.1\r\nhost: here\r\nauthorization: Basic {login}"
    client.sendall(f"{head}\r\nuserid: user-1\r\nconnection: close\r\n\r\n".encode())
    assert client.recv(12) == b"HTTP/1.1 200"
    return client


async def rest_of(client: socket.socket) -> bytes:
    """All that comes until the server closes the connection."""
    client.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=client)
    found = await reader.read()
    writer.close()
    return found


async def test_it_is_sent_in_pieces_and_a_short_one_whole(server: Server) -> None:
    async with server.client() as client:
        short, long = [await client.get(f"/conversations/{name}") for name in ("short", "whole")]
    assert short.headers["content-length"] == str(len(short.content))
    assert "content-length" not in long.headers
    for read, count in ((short.json(), 2), (long.json(), 2 * READ)):
        assert read["message_count"] == len(read["messages"]) == count
    said = [one["content"] for one in long.json()["messages"]]
    assert said == [text for n in range(READ) for text in (f"{n} {WORDS}", f"whole-{n}!")]


async def test_a_turn_that_is_added_meanwhile_is_left_out(server: Server) -> None:
    asked = ask(server, "added")
    async with server.client() as client:
        assert (await chat(client, {"id": "added", "message": "And now?"})).errors == []
    found = await rest_of(asked)
    assert found.endswith(b"\r\n0\r\n\r\n")
    assert b'"message_count":%d}' % (2 * TURNS) in found
    assert b"And now?" not in found


async def test_one_that_is_edited_meanwhile_has_no_end(server: Server) -> None:
    asked = ask(server, "edited")
    async with server.client() as client:
        edit = {"id": "edited", "message": {"id": f"edited-{TURNS - 5}-user", "role": "user", "content": "Otherwise"}}
        assert (await chat(client, edit)).errors == []
        found = await rest_of(asked)
        assert b"message_count" not in found
        assert not found.endswith(b"\r\n0\r\n\r\n")
        read = orjson.loads((await client.get("/conversations/edited")).content)
    assert read["message_count"] == len(read["messages"]) == 2 * TURNS - 8
    assert "/conversations/edited is cut: some of its messages were replaced while it was read" in server.log
    assert "Traceback" not in server.log
