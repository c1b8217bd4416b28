"""JSON responses."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Iterable
from typing import Any, NamedTuple

import orjson
from starlette.responses import JSONResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from ..errors import ServiceError
from ..storage import DamagedHistory, HistoryChanged, StorageError

log = logging.getLogger("mockbackend.http")


class Piece(NamedTuple):
    """A piece of a body."""

    body: bytes
    is_last: bool


class JSON(JSONResponse):
    """A JSON response, rendered by orjson."""

    def render(self, content: Any) -> bytes:
        """The body."""
        return orjson.dumps(content)


class JSONPieces(StreamingResponse):
    """A JSON object with a long list, sent as it is read. `pieces` are closed at the end, also if the client leaves."""

    def __init__(self, pieces: AsyncGenerator[Piece], first: Piece) -> None:
        self._pieces = pieces
        self._first = first
        headers = {"content-length": str(len(first.body))} if first.is_last else None
        super().__init__(self._bodies(), headers=headers, media_type=JSON.media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send all pieces. If one cannot be had the response has no end, by which a client sees that it is cut."""
        try:
            if self._first.is_last:
                # Without a task group that watches for the client's leaving.
                await self.stream_response(send)
            else:
                await super().__call__(scope, receive, send)
        except* (DamagedHistory, HistoryChanged, StorageError) as errors:
            log.warning("%s is cut: %s", scope["path"], errors.exceptions[0])
        finally:
            await self._pieces.aclose()

    async def _bodies(self) -> AsyncGenerator[bytes]:
        yield self._first.body
        self._first = Piece(b"", is_last=self._first.is_last)
        if not self._first.is_last:
            async for piece in self._pieces:
                yield piece.body


class ListEncoder:
    """A JSON object with a list of that name, encoded some values at a time.

    Each value is encoded by itself: while orjson encodes one, no other thread runs.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.count = 0

    def start(self, fields: dict[str, Any]) -> bytes:
        """The fields, and the beginning of the list."""
        return orjson.dumps({**fields, self._name: []})[:-2]

    def add(self, values: Iterable[Any]) -> bytes:
        """The next values of the list."""
        encoded = bytearray()
        for value in values:
            encoded += b"," if self.count else b""
            encoded += orjson.dumps(value)
            self.count += 1
        return bytes(encoded)

    def end(self, fields: dict[str, Any]) -> bytes:
        """The end of the list, and more fields."""
        return b"]," + orjson.dumps(fields)[1:]


def error_response(error: ServiceError) -> JSON:
    """The response for an error: `{"error": {"code", "message"}}`."""
    body = {"error": {"code": error.code, "message": error.message}}
    return JSON(body, status_code=error.status, headers=error.headers)
