"""JSON responses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from ..errors import ServiceError

PIECE_BYTES = 64 * 1024


class JSON(JSONResponse):
    """A JSON response, rendered by orjson."""

    def render(self, content: Any) -> bytes:
        """The body."""
        return orjson.dumps(content)


class JSONPieces(Response):
    """A long JSON response: a piece is forgotten as soon as it is sent."""

    media_type = "application/json"

    def __init__(self, pieces: list[bytes], end: Callable[[], None]) -> None:
        super().__init__(headers={"content-length": str(sum(map(len, pieces)))})
        self._pieces = pieces
        self._end = end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the pieces, then call `end`."""
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            for index, piece in enumerate(self._pieces):
                self._pieces[index] = b""
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                # `send` need not wait for a client that reads fast, and others would.
                await asyncio.sleep(0)
            await send({"type": "http.response.body", "body": b""})
        finally:
            self._end()


def object_with_list(fields: dict[str, Any], name: str, values: Iterable[Any]) -> list[bytes]:
    """The pieces of a JSON object with these fields and a list of that name at its end.

    Each value is encoded by itself: while orjson encodes one, no other thread runs.
    """
    head = orjson.dumps({**fields, name: []})
    return list(_in_pieces(head, values))


def _in_pieces(head: bytes, values: Iterable[Any]) -> Iterator[bytes]:
    piece, comma = bytearray(head[:-2]), b""
    for value in values:
        piece += comma
        piece += orjson.dumps(value)
        comma = b","
        if len(piece) >= PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece + head[-2:])


def error_response(error: ServiceError) -> JSON:
    """The response for an error: `{"error": {"code", "message"}}`."""
    body = {"error": {"code": error.code, "message": error.message}}
    return JSON(body, status_code=error.status, headers=error.headers)
