"""The response to a chat request: server-sent events, as they come."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx2
import orjson

from ...errors import UpstreamError
from ..client import Upstream
from ..errors import invalid_response
from ..sse import EventDecoder
from ..transport import BODY

log = logging.getLogger("mockbackend.upstream")

# Moving a time limit costs as much as reading a token.
SECONDS_BETWEEN_MOVES = 1.0
NO_HEADERS = httpx2.Headers()


@asynccontextmanager
async def stream_chat(upstream: Upstream, body: dict[str, Any]) -> AsyncGenerator[AsyncIterator[list[bytes]]]:
    """Stream a chat completion: batches of its events' data, `[DONE]` included. Raises UpstreamError.

    `body` is the request without its model. A response that is cut short at its end raises nothing here.
    """
    response = await upstream.post(upstream.engine.chat, body, upstream.read_timeout)
    # A whole conversation with its images: not kept for as long as the answer takes.
    del body
    # The limit is moved only now and then, and must not end the stream early for that.
    longest_silence = upstream.read_timeout + SECONDS_BETWEEN_MOVES
    try:
        async with (
            asyncio.timeout(longest_silence) as limit,
            aclosing(_events(upstream, response, limit, longest_silence)) as events,
        ):
            yield events
        response.extensions[BODY].drain_in_background()
    except TimeoutError as error:
        raise upstream.failure(error, upstream.engine.chat) from error
    finally:
        await response.aclose()


async def _events(
    upstream: Upstream, response: httpx2.Response, limit: asyncio.Timeout, longest_silence: float
) -> AsyncGenerator[list[bytes]]:
    loop = asyncio.get_running_loop()
    decoder = EventDecoder()
    encoded = "content-encoding" in response.headers
    chunks: AsyncIterator[bytes] = response.aiter_bytes() if encoded else response.extensions[BODY]
    try:
        if "text/event-stream" not in response.headers.get("content-type", "text/event-stream"):
            raise _not_a_stream(upstream, await response.aread())
        if not encoded:
            # They have been read, and three copies of them would be kept for as long as the answer takes.
            response.headers = NO_HEADERS
        moved = loop.time()
        async for chunk in chunks:
            if (now := loop.time()) - moved > SECONDS_BETWEEN_MOVES:
                limit.reschedule(now + longest_silence)
                moved = now
            if events := decoder.feed(chunk):
                yield events
    except Exception as error:
        raise upstream.failure(error, upstream.engine.chat) from error


def _not_a_stream(upstream: Upstream, body: bytes) -> UpstreamError:
    log.debug("upstream said %.2000r", body)
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        log.warning("upstream answered a chat request with a document of %d bytes, which is not JSON", len(body))
        return invalid_response()
    error = answer.get("error") if isinstance(answer, dict) else None
    if not error:
        log.warning("upstream answered a chat request with a JSON document of %d bytes, not with a stream", len(body))
    return upstream.failure_in_body(error, upstream.engine.chat)
