"""Connections that clients open and leave, as the served process sees them."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import hypercorn.asyncio.run
import pytest
from hypercorn.asyncio import serve
from hypercorn.config import Config

from mockbackend.server import hypercorn_patches
from tests.harness.processes import free_port
from tests.harness.service import AUTH, Server

pytestmark = pytest.mark.slow

LOGIN = base64.b64encode(":".join(AUTH).encode()).decode()
HEADERS = f"Host: here\r\nAuthorization: Basic {LOGIN}\r\nuserid: user-1\r\n"
# The state of a listening socket in /proc/net/tcp.
LISTENS = "0A"
QUESTION = b'{"message": "Hello"}'
ASKED = f"POST /chat HTTP/1.1\r\n{HEADERS}Content-Length: {len(QUESTION)}\r\n\r\n".encode() + QUESTION


def read_until(client: socket.socket, end: bytes) -> None:
    read = b""
    while end not in read:
        data = client.recv(4096)
        assert data, f"closed before {end!r}; there was {read!r}"
        read += data


def ask_and_close(client: socket.socket) -> None:
    client.sendall(ASKED)
    read_until(client, b"0\r\n\r\n")


def ask_and_leave_at_once(client: socket.socket) -> None:
    client.sendall(ASKED)


def ask_and_close_its_own_side(client: socket.socket) -> None:
    client.sendall(ASKED)
    client.shutdown(socket.SHUT_WR)
    while client.recv(4096):
        pass


def say_nothing(client: socket.socket) -> None:
    pass


VISITS = (ask_and_close, ask_and_leave_at_once, ask_and_close_its_own_side, say_nothing)


@pytest.mark.parametrize("visit", VISITS)
def test_no_connection_is_kept_for_a_client_that_has_gone(
    served: Server, visit: Callable[[socket.socket], None]
) -> None:
    with ExitStack() as clients:
        for _ in range(10):
            client = clients.enter_context(socket.create_connection(("127.0.0.1", served.port), timeout=10))
            visit(client)
        # By its answer the server has seen what came before it.
        ask_and_close(clients.enter_context(socket.create_connection(("127.0.0.1", served.port), timeout=10)))
    deadline = time.monotonic() + 10
    while (held := connections(served)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert held == 0, f"{held} connections are open after 10 clients came and went"


def test_nothing_else_is_kept(served: Server) -> None:
    before = descriptors(served)
    with ExitStack() as clients:
        for visit in VISITS:
            for _ in range(10):
                visit(clients.enter_context(socket.create_connection(("127.0.0.1", served.port), timeout=10)))
    deadline = time.monotonic() + 10
    while (held := descriptors(served) - before) > 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert held <= 0, f"{held} descriptors more than before 40 clients came and went"


@pytest.mark.parametrize("served", ["plain Hypercorn"], indirect=True)
def test_an_idle_connection_is_kept_for_longer_than_its_client_keeps_it(served: Server) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as client:
        ask_and_close(client)
        # Hypercorn's own five seconds, which are httpx's as well: what it sent at that moment was lost.
        client.settimeout(5.3)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(10)
        ask_and_close(client)


@pytest.mark.parametrize("leaves", ["closes its side", "resets"])
async def test_an_answer_that_ends_after_its_client_has_gone_ends_the_connection(
    leaves: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, left, open_connections = asyncio.Event(), asyncio.Event(), set[Any]()

    class Counted(hypercorn_patches.Connection):
        async def run(self) -> None:
            open_connections.add(self)
            try:
                await super().run()
            finally:
                open_connections.discard(self)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            asked.set()
            while (await receive())["type"] != "http.disconnect":
                pass
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body"})
            left.set()

    listening = socket.create_server(("127.0.0.1", 0))
    port, end, config = listening.getsockname()[1], asyncio.Event(), Config()
    config.bind, config.keep_alive_timeout, config.errorlog = [f"fd://{listening.detach()}"], 60.0, None
    monkeypatch.setattr(hypercorn.asyncio.run, "TCPServer", Counted)
    running = asyncio.create_task(serve(app, config, shutdown_trigger=end.wait))
    async with asyncio.timeout(30):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
            await asked.wait()
            assert len(open_connections) == 1
            if leaves == "resets":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                client.shutdown(socket.SHUT_WR)
                await left.wait()
        await left.wait()
        while open_connections:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    end.set()
    await running


@pytest.fixture(scope="module", params=["serve", "plain Hypercorn"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder, port = tmp_path_factory.mktemp("served"), free_port()
    plain = [sys.executable, "-m", "hypercorn", "app:app", "-w", "0", "-b", f"127.0.0.1:{port}"]
    command = plain if request.param == "plain Hypercorn" else None
    with Server(folder, kind="serve", command=command, port=port) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
            # The first answer opens what is kept open: the client to the emulator.
            ask_and_close(client)
        yield server


def held_by(server: Server) -> list[str]:
    """What each of its descriptors is."""
    held: list[str] = []
    for path in Path(f"/proc/{server.pid}/fd").iterdir():
        # One may be closed while they are listed.
        with suppress(FileNotFoundError):
            held.append(os.readlink(path))
    return held


def sockets(server: Server) -> dict[str, tuple[str, str, str]]:
    """Local port, remote port and state of each socket, by what its descriptor is."""
    rows = [line.split() for line in Path(f"/proc/{server.pid}/net/tcp").read_text().splitlines()[1:]]
    return {f"socket:[{row[9]}]": (row[1].split(":")[1], row[2].split(":")[1], row[3]) for row in rows}


def connections(server: Server) -> int:
    """Connections of clients that the server has not closed."""
    held, port = set(held_by(server)), f"{server.port:04X}"
    return len(
        [
            one
            for one, (local, _, state) in sockets(server).items()
            if local == port and state != LISTENS and one in held
        ]
    )


def descriptors(server: Server) -> int:
    """Its descriptors, without its connections to its own emulator, which it keeps for the next call."""
    held, known = held_by(server), sockets(server)
    listening = {local for one, (local, _, state) in known.items() if state == LISTENS and one in held}
    emulator = listening - {f"{server.port:04X}"}
    return len([one for one in held if one not in known or emulator.isdisjoint(known[one][:2])])
