"""The control API of the mock, on the service's own port: scenarios, and what was called in them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from ..errors import not_found
from ..mock import control
from .auth import get_service, log_in
from .body import chunks
from .json import JSON

PREFIX = "/__mock__/"
# What a browser's editor or a test's first line reads: it says nothing of anybody.
OPEN = frozenset({"schema.json", "mock.mjs"})


class ControlAPI:
    """The ASGI application of all that is below `PREFIX`: the login says who may call it, no userid does."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; raises ServiceError."""
        response = await _answer(Request(scope, receive, send))
        await response(scope, receive, send)


async def _answer(request: Request) -> Response:
    mock = get_service(request).mock
    if mock is None:
        raise not_found()
    if request.path_params["path"] not in OPEN:
        await log_in(request)
    body = b"".join([chunk async for chunk in chunks(request, control.MAX_BODY_BYTES)])
    answer = await mock.control.answer(
        request.method,
        request.path_params["path"],
        request.query_params,
        body,
        request.headers.get("content-type", ""),
    )
    return to_response(answer)


def to_response(answer: control.Answer) -> Response:
    """The response of an answer."""
    if answer.pieces is not None:
        return StreamingResponse(_in_thread(answer.pieces), answer.status, media_type=answer.media_type)
    return Response(status_code=answer.status) if answer.value is None else JSON(answer.value, answer.status)


async def _in_thread(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(next, pieces, b""):
        yield piece
