"""The response to a chat request: server-sent events, as they come."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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

NO_HEADERS = httpx2.Headers()
# A line of a stream begins so, a document so.
FIELDS = (b"data:", b"data\n", b"data\r", b"event:", b"id:", b"retry:", b":")
DOCUMENTS = (b"{", b"[", b"<")
MAX_DOCUMENT_BYTES = 4 * 1024 * 1024


async def stream_chat(upstream: Upstream, body: dict[str, Any], take: Callable[[list[bytes]], bool]) -> None:
    """Stream a chat completion: `take` is called with the data of events as they come, and returns True at the last.

    `body` is the request without its model. Raises UpstreamError, and what `take` raises. A response that is cut short
    at its end raises nothing here.
    """
    response = await _post(upstream, body)
    try:
        async with asyncio.timeout(None) as limit:
            reading = _Reading(response, take)
            try:
                with reading.limited(limit, upstream.read_timeout):
                    await reading.run()
            except Exception as error:
                raise upstream.failure(error, upstream.engine.chat) from error
            if reading.failure is not None:
                raise reading.failure
            if reading.head is not None:
                take([await _document(upstream, body, reading.head), b"[DONE]"])
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


class _Reading:
    """The reading of one response, piece by piece as it comes."""

    def __init__(self, response: httpx2.Response, take: Callable[[list[bytes]], bool]) -> None:
        self._response = response
        self._take = take
        self._loop = asyncio.get_running_loop()
        # When something came last.
        self._heard = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._decoder = EventDecoder()
        self._is_encoded = "content-encoding" in response.headers
        content_type = response.headers.get("content-type", "event-stream")
        self._is_said_to_be_one = "event-stream" in content_type.lower()
        # What has come while it could still be a document; a stream has none.
        self.head: bytes | None = b""
        # What the events' consumer has raised, or why there cannot be any more.
        self.failure: Exception | None = None

    @contextmanager
    def limited(self, limit: asyncio.Timeout, seconds: float) -> Iterator[None]:
        """A context in which the limit is reached after so long a silence. To move it costs as much as a token."""
        self._look(limit, seconds)
        try:
            yield
        finally:
            if self._timer:
                self._timer.cancel()

    def _look(self, limit: asyncio.Timeout, seconds: float) -> None:
        due = self._heard + seconds
        if self._loop.time() >= due:
            limit.reschedule(due)
        else:
            self._timer = self._loop.call_at(due, self._look, limit, seconds)

    async def run(self) -> None:
        """Read until the consumer wants no more, or the body ends. Raises what reading raises."""
        if not self._is_encoded:
            await self._response.extensions[BODY].deliver(self._feed)
            return
        async for piece in self._response.aiter_bytes():
            if self._feed(piece):
                return

    def _feed(self, piece: bytes) -> bool:
        """Take the next piece; returns whether it is the last that is wanted."""
        self._heard = self._loop.time()
        try:
            if self.head is not None:
                piece = self._beginning(piece)
            events = self._decoder.feed(piece)
            return bool(events) and self._take(events)
        # None is raised here: what reading raises is of the network, and is translated.
        except EventTooLarge:
            log.warning("the model API sent an event of more than %d bytes", MAX_EVENT_BYTES)
            self.failure = invalid_response()
        except Exception as error:
            self.failure = error
        return True

    def _beginning(self, piece: bytes) -> bytes:
        """What has come, once it is a stream: that shows in its first bytes. Nothing until then."""
        head = (self.head or b"") + piece
        if is_stream(head, self._is_said_to_be_one):
            self.head = None
            if not self._is_encoded:
                # They have been read, and three copies of them would be kept for as long as the answer takes.
                self._response.headers = NO_HEADERS
            return head
        if len(head) > MAX_DOCUMENT_BYTES:
            raise invalid_response()
        self.head = head
        return b""


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
