"""A stored blob as a response: read a piece at a time, as the client takes them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.responses import Response, StreamingResponse

from ..errors import not_found


async def in_pieces(pieces: AsyncGenerator[bytes], status: int, headers: dict[str, str], media_type: str) -> Response:
    """The response, once the first piece is there. Raises a 404 if the blob has just been deleted."""
    try:
        first = await anext(pieces, b"")
    except FileNotFoundError:
        raise not_found() from None
    return StreamingResponse(_chained(first, pieces), status, headers, media_type)


async def _chained(first: bytes, pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(pieces):
        yield first
        async for piece in pieces:
            yield piece
