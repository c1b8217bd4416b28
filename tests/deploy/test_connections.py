"""Connections that clients open and leave, as the served process sees them."""

from __future__ import annotations

import base64
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.running import AUTH, Server

LOGIN = base64.b64encode(":".join(AUTH).encode()).decode()
HEADERS = f"Host: here\r\nAuthorization: Basic {LOGIN}\r\nuserid: user-1\r\n"
QUESTION = b'{"message": "Hello"}'
ASKED = f"POST /chat HTTP/1.1\r\n{HEADERS}Content-Length: {len(QUESTION)}\r\n\r\n".encode() + QUESTION


def read_until(connection: socket.socket, end: bytes) -> None:
    read = b""
    while end not in read:
        data = connection.recv(4096)
        assert data, f"closed before {end!r}; there was {read!r}"
        read += data


def ask_and_close(connection: socket.socket) -> None:
    connection.sendall(ASKED)
    read_until(connection, b"0\r\n\r\n")


def ask_and_leave_at_once(connection: socket.socket) -> None:
    connection.sendall(ASKED)


def ask_and_close_its_own_side(connection: socket.socket) -> None:
    connection.sendall(ASKED)
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(4096):
        pass


def ask_and_reset(connection: socket.socket) -> None:
    connection.sendall(ASKED)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def say_nothing(connection: socket.socket) -> None:
    pass


@pytest.mark.parametrize(
    "visit", [ask_and_close, ask_and_leave_at_once, ask_and_close_its_own_side, ask_and_reset, say_nothing]
)
def test_nothing_is_held_for_a_client_that_has_gone(served: Server, visit: Callable[[socket.socket], None]) -> None:
    before = descriptors(served)
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
            visit(connection)
    deadline = time.monotonic() + 10
    while (held := descriptors(served) - before) > 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert held <= 0, f"{held} descriptors more than before 20 clients came and went"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, kind="serve") as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            # The first answer opens what is kept open: the connection to the emulator.
            ask_and_close(connection)
        yield server


def descriptors(server: Server) -> int:
    return len(list(Path(f"/proc/{server.pid}/fd").iterdir()))
