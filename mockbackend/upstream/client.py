"""The model API: one `openai` client for the process's life, and the few calls we make with it.

`client.post` takes the encoded body as it is: `create()` would walk every message of the history (190 ms for 800).
Retries are not the client's, since it tells nobody of them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx2
import openai
import orjson

from ..errors import UnsupportedParameter, UpstreamError
from ..settings import Settings
from . import errors as faults
from .embeddings import vectors
from .engine import Model, engine
from .sse import EventDecoder
from .transport import BODY

if TYPE_CHECKING:
    from .embeddings import Vector

log = logging.getLogger("mockbackend.upstream")

# Never left out of a request, whatever the model says of them.
REQUIRED = {"model", "messages", "stream", "prompt", "input"}
# What is refused without another parameter.
BELONGS_TO = {"tool_choice": "tools"}
# One name refused, the other asked for: reasoning models know only the first, older engines only the second.
OTHER_NAME = {"max_completion_tokens": "max_tokens", "max_tokens": "max_completion_tokens"}
HEADERS = {"content-type": "application/json"}
SPENT = httpx2.Request("POST", "http://spent.invalid/")
NO_HEADERS = httpx2.Headers()


class Upstream:
    """The calls, and what each model was found to refuse."""

    def __init__(self, settings: Settings, emulator_url: str | None) -> None:
        self._image_timeout = settings.image_timeout_seconds
        # What the chat model can read, in tokens: told by a setting, or learnt from its refusal.
        self.context_tokens = settings.chat_context_tokens
        self._learnt: dict[str, set[str]] = {}
        self._read_timeout = settings.upstream_read_timeout_seconds
        # The limit of a stream's silence is moved once a second, and so may come a second early.
        self._longest_silence = self._read_timeout + 1
        self.engine = engine(settings, emulator_url)
        self.client = self.engine.client(settings.upstream_connect_timeout_seconds)

    @asynccontextmanager
    async def chat(self, body: dict[str, Any]) -> AsyncGenerator[AsyncIterator[list[bytes]]]:
        """Stream a chat completion: batches of the data of its events, `[DONE]` included. Raises UpstreamError.

        `body` is the request without its model. A body that just ends raises nothing here.
        """
        response = await self._post(self.engine.chat, body, self._read_timeout)
        # A whole conversation with its images, and answers run long: nobody holds it for as long as that.
        del body
        try:
            async with (
                asyncio.timeout(self._longest_silence) as limit,
                aclosing(self._events(response, limit)) as events,
            ):
                yield events
            response.extensions[BODY].linger()
        except TimeoutError as error:
            raise self._fault(error, self.engine.chat) from error
        finally:
            await response.aclose()

    async def image(self, body: dict[str, Any]) -> dict[str, Any]:
        """Ask for an image, once; returns the answer's JSON. Raises UpstreamError."""
        return await self._whole(self.engine.images, body, self._image_timeout)

    async def embed(self, texts: list[str]) -> list[Vector]:
        """The embeddings of these texts, float32 vectors of one size, in their order. Raises UpstreamError."""
        body = {"input": texts, "encoding_format": "base64"}
        answer = await self._whole(self.engine.embeddings, body, self._longest_silence)
        try:
            # In a thread: numpy takes a moment to import, and megabytes of numbers one to decode.
            return await asyncio.to_thread(vectors, answer, len(texts))
        except (ValueError, TypeError, KeyError):
            raise faults.invalid_response() from None

    def fault_in_stream(self, body: object) -> UpstreamError:
        """The error that an `error` object within a stream is."""
        log.warning("upstream sent an error inside its answer: %.1000r", body)
        return faults.from_body(body, self._settings(self.engine.chat))

    async def close(self) -> None:
        """Close the client and its connections."""
        await self.client.close()

    async def _whole(self, model: Model, body: dict[str, Any], seconds: float) -> dict[str, Any]:
        """One request whose answer is one JSON object, asked and read whole within the time."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(seconds):
                response = await self._post(model, body, None)
                try:
                    answer = orjson.loads(await response.aread())
                finally:
                    await response.aclose()
        except UpstreamError:
            raise
        except orjson.JSONDecodeError:
            raise faults.invalid_response() from None
        except Exception as error:
            raise self._fault(error, model, began) from error
        if not isinstance(answer, dict):
            raise faults.invalid_response()
        if answer.get("error"):
            log.warning("upstream %s answered with an error inside a 200: %.1000r", model.kind, answer["error"])
            raise faults.from_body(answer["error"], self._settings(model))
        return answer

    async def _post(self, model: Model, body: dict[str, Any], seconds: float | None) -> httpx2.Response:
        """One accepted request; optional parameters that the model refuses are learnt and left out.

        Each try may take so long; None where the caller has a limit for all of them.
        """
        refused = self._learnt.setdefault(f"{model.kind}:{model.name}", set())
        while True:
            request = {"model": model.name, **_without(body, refused)}
            began = time.monotonic()
            try:
                # The client reads the body of a refusal by itself, within the same limit.
                async with asyncio.timeout(seconds):
                    stream = await self.client.post(
                        model.path,
                        content=orjson.dumps(request),
                        cast_to=object,
                        stream=True,
                        stream_cls=openai.AsyncStream[object],
                        options={"headers": HEADERS},
                    )
            except Exception as error:
                fault = self._fault(error, model, began)
                if not isinstance(fault, UnsupportedParameter) or not _can_leave_out(fault.parameter, request):
                    raise fault from error
                log.warning("%s takes no %s: it is asked without it from now on", model.name, fault.parameter)
                refused.add(fault.parameter)
                continue
            response = stream.response
            # It would hold the encoded body.
            response.request = SPENT
            log.info(
                "upstream %s %s %d in %d ms apim-request-id=%s",
                *(model.kind, model.name, response.status_code, (time.monotonic() - began) * 1000),
                response.headers.get("apim-request-id", "-"),
            )
            return response

    async def _events(self, response: httpx2.Response, limit: asyncio.Timeout) -> AsyncGenerator[list[bytes]]:
        loop = asyncio.get_running_loop()
        decoder = EventDecoder()
        encoded = "content-encoding" in response.headers
        chunks: AsyncIterator[bytes] = response.aiter_bytes() if encoded else response.extensions[BODY]
        try:
            if "text/event-stream" not in response.headers.get("content-type", "text/event-stream"):
                body = (await response.aread())[:2000]
                log.warning("upstream answered with no stream: %r", body)
                raise self._not_a_stream(body)
            if not encoded:
                # They are read, and would be held in three forms for as long as the answer runs.
                response.headers = NO_HEADERS
            moved = loop.time()
            async for chunk in chunks:
                # Once a second at the most: moving a time limit costs as much as reading a token.
                if (now := loop.time()) - moved > 1:
                    limit.reschedule(now + self._longest_silence)
                    moved = now
                if events := decoder.feed(chunk):
                    yield events
        except Exception as error:
            raise self._fault(error, self.engine.chat) from error

    def _not_a_stream(self, body: bytes) -> UpstreamError:
        try:
            answer = orjson.loads(body)
        except orjson.JSONDecodeError:
            return faults.invalid_response()
        return self.fault_in_stream(answer.get("error") if isinstance(answer, dict) else None)

    def _fault(self, error: Exception, model: Model, began: float | None = None) -> UpstreamError:
        if isinstance(error, UpstreamError):
            return error
        # The client's own words are "Connection error." for all of them; a repr may hold headers, and a login in them.
        told = error.__cause__ if isinstance(error, openai.APIConnectionError) and error.__cause__ else error
        status, request_id, words = "-", "-", f"{type(told).__name__}: {told}"[:1000]
        if isinstance(error, openai.APIStatusError):
            status = str(error.status_code)
            request_id = error.response.headers.get("apim-request-id", "-")
            words = repr(error.body)[:1000]
        log.warning(
            "upstream %s failed: status %s after %d ms apim-request-id=%s %s",
            *(model.kind, status, (time.monotonic() - began) * 1000 if began else 0, request_id, words),
        )
        return faults.from_exception(error, self._settings(model))

    def _settings(self, model: Model) -> Mapping[str, str]:
        return {**self.engine.settings, "deployment": model.setting}


def _without(body: dict[str, Any], refused: set[str]) -> dict[str, Any]:
    if not refused:
        return body
    request: dict[str, Any] = {}
    for name, value in body.items():
        if name in refused:
            name = OTHER_NAME.get(name, name)
        if name not in refused and BELONGS_TO.get(name) not in refused:
            request[name] = value
    return request


def _can_leave_out(parameter: str, request: dict[str, Any]) -> bool:
    return parameter in request and parameter not in REQUIRED
