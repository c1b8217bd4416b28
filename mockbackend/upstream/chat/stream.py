"""The response to a chat request: server-sent events, as they come."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Any

import httpx2
import orjson

from ...errors import UpstreamError
from ..client import Upstream
from ..errors import invalid_response
from ..sse import BOM, MAX_EVENT_BYTES, EventDecoder, EventTooLarge
from ..transport import BODY
from .fitting import fitted
from .splicing import of_request

log = logging.getLogger("mockbackend.upstream")

# Moving a time limit costs as much as reading a token.
SECONDS_BETWEEN_MOVES = 1.0
NO_HEADERS = httpx2.Headers()
# A line of a stream begins so, a document so.
FIELDS = (b"data:", b"data\n", b"data\r", b"event:", b"id:", b"retry:", b":")
DOCUMENTS = (b"{", b"[", b"<")
MAX_DOCUMENT_BYTES = 4 * 1024 * 1024


@asynccontextmanager
async def stream_chat(upstream: Upstream, body: dict[str, Any]) -> AsyncGenerator[AsyncIterator[list[bytes]]]:
    """Stream a chat completion: batches of its events' data, `[DONE]` included. Raises UpstreamError.

    `body` is the request without its model. A response that is cut short at its end raises nothing here.
    """
    response = await _post(upstream, body)
    # The limit is moved only now and then, and must not end the stream early for that.
    longest_silence = upstream.read_timeout + SECONDS_BETWEEN_MOVES
    try:
        async with (
            asyncio.timeout(longest_silence) as limit,
            aclosing(_events(upstream, body, response, limit, longest_silence)) as events,
        ):
            yield events
        response.extensions[BODY].drain_in_background()
    except TimeoutError as error:
        raise upstream.failure(error, upstream.engine.chat) from error
    finally:
        await response.aclose()


async def _post(upstream: Upstream, body: dict[str, Any]) -> httpx2.Response:
    """Send the request, again in another form where the model refuses this one."""
    model = upstream.engine.chat
    while True:
        request = await of_request(body, partial(fitted, body, upstream.learned(model)))
        try:
            return await upstream.post(model, request, upstream.read_timeout)
        except UpstreamError as error:
            if not await upstream.learn(error, model, request):
                raise


async def _events(
    upstream: Upstream,
    request: dict[str, Any],
    response: httpx2.Response,
    limit: asyncio.Timeout,
    longest_silence: float,
) -> AsyncGenerator[list[bytes]]:
    loop = asyncio.get_running_loop()
    decoder = EventDecoder()
    encoded = "content-encoding" in response.headers
    chunks: AsyncIterator[bytes] = response.aiter_bytes() if encoded else response.extensions[BODY]
    is_said_to_be_one = "event-stream" in response.headers.get("content-type", "event-stream").lower()
    try:
        head = b""
        # What it is shows in its first bytes, whatever its header says.
        while not is_stream(head, is_said_to_be_one) and (chunk := await anext(chunks, b"")):
            head += chunk
            if len(head) > MAX_DOCUMENT_BYTES:
                raise invalid_response()
        if not is_stream(head, is_said_to_be_one):
            yield [await _document(upstream, request, head), b"[DONE]"]
            return
        if not encoded:
            # They have been read, and three copies of them would be kept for as long as the answer takes.
            response.headers = NO_HEADERS
        if events := decoder.feed(head):
            yield events
        del head
        moved = loop.time()
        async for chunk in chunks:
            if (now := loop.time()) - moved > SECONDS_BETWEEN_MOVES:
                limit.reschedule(now + longest_silence)
                moved = now
            if events := decoder.feed(chunk):
                yield events
    except EventTooLarge:
        log.warning("the model API sent an event of more than %d bytes", MAX_EVENT_BYTES)
        raise invalid_response() from None
    except Exception as error:
        raise upstream.failure(error, upstream.engine.chat) from error


def is_stream(head: bytes, is_said_to_be_one: bool) -> bool:
    """Whether a body that begins so is a stream of events. A document, or too little to tell, is not."""
    begun = head.removeprefix(BOM).lstrip()
    if begun.startswith(FIELDS):
        return True
    return is_said_to_be_one and bool(begun) and not begun.startswith(DOCUMENTS)


async def _document(upstream: Upstream, request: dict[str, Any], body: bytes) -> bytes:
    """A document instead of a stream: a whole answer, as an event, or an error. Raises UpstreamError."""
    log.debug("upstream said %.2000r", body)
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        log.warning("upstream answered a chat request with a document of %d bytes, which is not JSON", len(body))
        raise invalid_response() from None
    if isinstance(answer, list):
        # Google sends an error in a list.
        answer = answer[0] if len(answer) == 1 else None
    if not isinstance(answer, dict):
        answer = {}
    error = answer.get("error")
    choices = answer.get("choices")
    if (
        not error
        and isinstance(choices, list)
        and any(isinstance(one, dict) and one.get("finish_reason") for one in choices)
    ):
        return body
    if not error:
        log.warning("upstream answered a chat request with a JSON document of %d bytes, not with a stream", len(body))
    raise await upstream.failure_in_body(error or answer, upstream.engine.chat, request)
