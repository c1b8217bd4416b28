"""What a client of HTTP/1 gets byte by byte, under `serve` and plain Hypercorn."""

from __future__ import annotations

import base64
import re
import signal
import socket
from collections.abc import Iterator

import pytest

from tests.conftest import StartServer
from tests.harness.service import AUTH, Server

pytestmark = pytest.mark.slow

LOGIN = base64.b64encode(":".join(AUTH).encode()).decode()
BODY = b'{"message": "Hello"}'
EOF = b""


@pytest.fixture(params=["serve", "hypercorn"])
def served(request: pytest.FixtureRequest, start_server: StartServer) -> Server:
    return start_server(kind=request.param)


@pytest.fixture
def client(served: Server) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connected:
        yield connected


def asking(version: str = "1.1") -> bytes:
    head = f"POST /chat HTTP/{version}\r\nHost: here\r\nAuthorization: Basic {LOGIN}\r\nuserid: user-1\r\n"
    return f"{head}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY


def looking(method: str = "GET") -> bytes:
    return f"{method} /livez HTTP/1.1\r\nHost: here\r\n\r\n".encode()


class Reader:
    """What comes, in parts."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self._read = b""

    def to(self, end: bytes) -> bytes:
        """What comes up to there."""
        while end not in self._read:
            data = self._client.recv(4096)
            assert data, f"closed before {end!r}; there was {self._read!r}"
            self._read += data
        found, _, self._read = self._read.partition(end)
        return found

    def exactly(self, size: int) -> bytes:
        """That many bytes."""
        while len(self._read) < size:
            data = self._client.recv(4096)
            assert data, f"closed within {self._read!r}"
            self._read += data
        found, self._read = self._read[:size], self._read[size:]
        return found

    def rest(self) -> bytes:
        """What comes until the connection is closed."""
        while data := self._client.recv(4096):
            self._read += data
        return self._read

    def response(self, method: str = "GET") -> tuple[bytes, bytes]:
        """Head and body of a response."""
        head = self.to(b"\r\n\r\n")
        if b"transfer-encoding: chunked" in head.lower():
            return head, b"".join(self._chunks())
        [length] = re.findall(rb"content-length: (\d+)", head.lower())
        return head, b"" if method == "HEAD" else self.exactly(int(length))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.to(b"\r\n"), 16):
            yield self.exactly(size)
            assert self.exactly(2) == b"\r\n"
        assert self.exactly(2) == b"\r\n"


def test_streams_are_in_chunks_and_share_their_connection(client: socket.socket) -> None:
    reader = Reader(client)
    for _ in range(3):
        client.sendall(asking())
        head, body = reader.response()
        assert head.startswith(b"HTTP/1.1 200")
        assert body.startswith(b"f:")
        assert body.splitlines()[-1].startswith(b"d:")


def test_a_stream_over_http_1_0_ends_with_its_connection(client: socket.socket) -> None:
    client.sendall(asking("1.0"))
    reader = Reader(client)
    head = reader.to(b"\r\n\r\n").lower()
    assert b"transfer-encoding" not in head
    body = reader.rest()
    assert body.startswith(b"f:")
    assert body.splitlines()[-1].startswith(b"d:")


def test_what_is_asked_at_once_is_answered_in_turn(client: socket.socket) -> None:
    client.sendall(looking() + asking() + looking() + asking())
    reader = Reader(client)
    bodies = [reader.response()[1] for _ in range(4)]
    assert bodies[0] == bodies[2]
    assert [body[:2] for body in bodies[1::2]] == [b"f:", b"f:"]


def test_a_head_has_no_body_and_keeps_its_connection(client: socket.socket) -> None:
    reader = Reader(client)
    for method in ("GET", "HEAD", "GET"):
        client.sendall(looking(method))
        head, body = reader.response(method)
        assert head.startswith(b"HTTP/1.1 200")
        assert bool(body) == (method == "GET")


def test_an_idle_connection_is_closed_at_the_end_and_answered_until_then(served: Server, client: socket.socket) -> None:
    reader = Reader(client)
    client.sendall(looking())
    reader.response()
    served.signal(signal.SIGTERM)
    client.sendall(looking())
    head, _ = reader.response()
    assert head.startswith(b"HTTP/1.1 200")
    assert reader.rest() == EOF
    assert served.wait() == 0
