"""HTTP/1.1 of `hypercorn_patches`' connections: it stays HTTP/1.1, and h11 has less to do for a response.

h11 checks and copies all headers of a response several times. Here it is given those by which it decides how a body is
framed and whether the connection is kept; the others follow in the same head. Pieces of a body in chunks, of which h11
keeps no account, pass it by.
"""

from __future__ import annotations

import re
from typing import Any

import h11
from hypercorn.events import Closed, RawData
from hypercorn.protocol.events import Body, Response
from hypercorn.protocol.events import Event as StreamEvent
from hypercorn.protocol.h11 import H11Protocol

DECIDING = {b"connection", b"content-length", b"transfer-encoding"}
# What a header may be (RFC 9110, section 5). Of any other h11 says what is wrong.
NAME = re.compile(rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
VALUE = re.compile(rb"(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?")


class Http1(H11Protocol):
    """HTTP/1.1 that stays HTTP/1.1."""

    # Whether the body of the response that has begun is sent in chunks.
    is_chunked = False
    # The lines of its head that h11 is not given.
    _lines = b""

    async def stream_send(self, event: StreamEvent) -> None:
        """Send what a response has for its client."""
        if self.is_chunked and isinstance(event, Body):
            await self.send(RawData(chunk(event.data)))
        elif isinstance(event, Response):
            await super().stream_send(self._for_h11(event))
            self.is_chunked = type(getattr(self.connection, "_writer", None)).__name__ == "ChunkedWriter"
        else:
            await super().stream_send(event)

    def _for_h11(self, response: Response) -> Response:
        """The response with the deciding headers alone; `_lines` keeps the others for its head."""
        deciding: list[tuple[bytes, bytes]] = []
        others: list[tuple[bytes, bytes]] = []
        for header in response.headers:
            (deciding if header[0].lower() in DECIDING else others).append(header)
        if not all(NAME.fullmatch(name) and VALUE.fullmatch(value) for name, value in others):
            return response
        self._lines = b"".join([b"%b: %b\r\n" % header for header in others])
        return Response(response.stream_id, deciding, response.status_code)

    async def _send_h11_event(self, event: Any) -> None:
        lines, self._lines = self._lines, b""
        try:
            data = self.connection.send(event)
        except h11.LocalProtocolError:
            if self.connection.their_state != h11.ERROR:
                raise
            return
        # An empty line ends a head: the other lines go before it.
        await self.send(RawData(data[:-2] + lines + b"\r\n" if lines else data))

    async def _check_protocol(self, event: h11.Request) -> None:
        if any(name == b"upgrade" and b"h2c" in value.lower() for name, value in event.headers):
            # Otherwise h11 waits for a switch, and nothing is read: a client that left would go unnoticed.
            self.connection._cstate.pending_switch_proposals.clear()  # type: ignore[union-attr]

    async def _create_stream(self, request: h11.Request) -> None:
        # How a client begins that knows that the server speaks HTTP/2.
        if request.method == b"PRI":
            await self.send(Closed())
        else:
            await super()._create_stream(request)


def chunk(data: bytes) -> bytes:
    """A piece of a body, as a chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)
