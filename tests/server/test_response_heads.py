"""The head of a response is what h11 makes of all its headers, though it is given few of them."""

from __future__ import annotations

from typing import Any

import h11
import pytest
from hypercorn.config import Config
from hypercorn.protocol.events import Body, EndBody, Response
from hypercorn.protocol.h11 import H11Protocol

from mockbackend.server.http1 import Http1

Headers = list[tuple[bytes, bytes]]
WORDS: Headers = [
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"X-Name", "Jos\xe9".encode("latin-1")),
    (b"x-no", b""),
]
BODIES: dict[str, Headers] = {
    "in chunks": WORDS,
    "of a length": [(b"Content-Length", b"5"), *WORDS],
    "of a connection that is closed": [*WORDS, (b"connection", b"close")],
    "in chunks by its own word": [*WORDS, (b"transfer-encoding", b"chunked")],
    "without other headers": [],
}
REQUESTS = {
    "GET": b"GET / HTTP/1.1\r\nhost: here\r\n\r\n",
    "HEAD": b"HEAD / HTTP/1.1\r\nhost: here\r\n\r\n",
    "an old client": b"GET / HTTP/1.0\r\n\r\n",
    "a client that closes": b"GET / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n",
}


async def sent(kind: type[H11Protocol], request: bytes, headers: Headers, status: int = 200) -> bytes:
    """What this protocol answers to the request."""
    protocol: Any = object.__new__(kind)
    protocol.config, protocol.keep_alive_requests = Config(), 1
    protocol.config.include_date_header = False
    protocol.connection = h11.Connection(h11.SERVER)
    protocol.connection.receive_data(request)
    while protocol.connection.next_event() not in (h11.EndOfMessage(), h11.NEED_DATA):
        pass
    answer = bytearray()

    async def send(event: Any) -> None:
        answer.extend(event.data)

    protocol.send = send
    await protocol.stream_send(Response(1, headers, status))
    if not request.startswith(b"HEAD"):
        await protocol.stream_send(Body(1, b"Hello"))
    await protocol.stream_send(EndBody(1))
    return bytes(answer)


def parts(answer: bytes) -> tuple[bytes, list[bytes], bytes]:
    """The first line, the headers in any order, and the body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    return first, sorted(lines), body


@pytest.mark.parametrize("headers", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
async def test_it_is_that_of_all_headers(request_: bytes, headers: Headers) -> None:
    assert parts(await sent(Http1, request_, headers)) == parts(await sent(H11Protocol, request_, headers))


@pytest.mark.parametrize(
    "header",
    [
        (b"x-split", b"a\r\nset-cookie: b"),
        (b"x-line", b"a\nb"),
        (b"x-nul", b"a\0b"),
        (b"x: y", b"b"),
        (b"a name", b"b"),
        (b"x:y", b"b"),
        (b"", b"b"),
        (b"x-split\r\nset-cookie", b"b"),
    ],
)
@pytest.mark.parametrize("kind", [Http1, H11Protocol])
async def test_what_is_no_header_is_refused(kind: type[H11Protocol], header: tuple[bytes, bytes]) -> None:
    with pytest.raises(h11.LocalProtocolError):
        await sent(kind, REQUESTS["GET"], [*WORDS, header])


async def test_a_head_that_was_refused_leaves_nothing_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(h11.LocalProtocolError):
        await sent(Http1, REQUESTS["GET"], [*WORDS, (b"content-length", b"many")])
    assert parts(await sent(Http1, REQUESTS["GET"], [])) == parts(await sent(H11Protocol, REQUESTS["GET"], []))
