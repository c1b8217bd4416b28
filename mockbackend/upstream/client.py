"""The model API's client: one for the process's life, through which every call goes.

Bodies are sent as they are encoded: the client's `create()` would walk every message of the history (190 ms for 800).
It makes no retries of its own: nobody would see them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import httpx2
import openai
import orjson

from .. import log as logs
from .. import metrics, tracing
from ..errors import RequestRefused, UpstreamError
from ..mock import context
from ..settings import Settings
from .chat.splicing import encoded, encoded_by_message, expand, is_large
from .direct import Direct
from .echoes import without_echoes
from .engine import ENGINES, Kind, Model
from .entra import open_tokens
from .entra_errors import is_refused_token, refused_identity
from .error_responses import described, from_body
from .errors import from_exception, invalid_response
from .learned import Learned
from .responses.request import rename_refused, response_request
from .responses.sealed import SealedReasoning
from .transport import Transport

if TYPE_CHECKING:
    from ..mock.recording import Recorder

log = logging.getLogger("mockbackend.upstream")

HEADERS = {"content-type": "application/json"}
# Models, each for every scenario that is in use.
MAX_LEARNED = 3000
# Of every call that is made in this context, beside its own: what the emulator is to know of it.
call_headers: ContextVar[Mapping[str, str]] = ContextVar("call_headers", default=MappingProxyType({}))


class Upstream:
    """The model API, with what is learned of its models."""

    def __init__(self, settings: Settings, emulator_url: str | None, recorder: Recorder | None = None) -> None:
        self.recorder = recorder
        self.image_timeout = settings.image_timeout_seconds
        self.read_timeout = settings.upstream_read_timeout_seconds
        self.engine = ENGINES[settings.engine].open(settings, emulator_url)
        self._all_settings = settings
        self._engine_name = settings.engine
        self.is_emulated = settings.engine == "emulator"
        self.tokens = open_tokens(settings)
        self.sealed = SealedReasoning()
        transport = Transport(self.engine.address, settings.upstream_connect_timeout_seconds, recorder)
        self._client = self.engine.client(transport, self.tokens)
        self._direct = Direct(self._client, transport)
        self._context_tokens = settings.chat_context_tokens
        self._learned: OrderedDict[object, Learned] = OrderedDict()

    async def close(self) -> None:
        """Close the client and its connections."""
        await self._client.close()
        if self.tokens:
            await self.tokens.close()

    async def post(self, model: Model, body: dict[str, Any], seconds: float | None) -> httpx2.Response:
        """Send a request as it is. Raises UpstreamError; RequestRefused is for `learn`.

        `body` is without its model; the response's body is still to be read, and to be closed. `seconds` limits it;
        None where the caller has a limit.
        """
        request = {"model": model.name, **body}
        is_response = model.api == "responses"
        while True:
            began, token = time.monotonic(), None
            headers = {**HEADERS, **tracing.outgoing(), **context.outgoing(), **call_headers.get()}
            try:
                # The body of an error response is read within the same limit.
                async with asyncio.timeout(seconds):
                    token = await self.tokens.get() if self.tokens else None
                    content = await self._encoded(request, is_response=is_response)
                    response = await self._direct.post(model.path, content, headers, token)
            except Exception as error:
                if isinstance(error, openai.APIStatusError):
                    # It is compared with all that was said.
                    await asyncio.to_thread(_make_known, error, request, is_response=is_response)
                if (
                    self.tokens
                    and token
                    and isinstance(error, openai.AuthenticationError)
                    and is_refused_token(error)
                    and self.tokens.refuse(token)
                ):
                    continue
                status = str(error.status_code) if isinstance(error, openai.APIStatusError) else "error"
                metrics.UPSTREAM_REQUESTS.inc(model.kind, status)
                raise self.failure(error, model, began) from error
            if self.tokens and token:
                self.tokens.accept(token)
            metrics.UPSTREAM_REQUESTS.inc(model.kind, str(response.status_code))
            metrics.UPSTREAM_SECONDS.observe(time.monotonic() - began, model.kind)
            log.info(
                "upstream %s %s %d in %d ms%s",
                *(model.kind, model.name, response.status_code, (time.monotonic() - began) * 1000),
                _request_id(response),
                extra=logs.fields(
                    kind=model.kind,
                    model=model.name,
                    status=response.status_code,
                    duration_ms=round((time.monotonic() - began) * 1000),
                ),
            )
            return response

    async def _encoded(self, request: dict[str, Any], *, is_response: bool) -> bytes:
        def translated() -> dict[str, Any]:
            return response_request(expand(request), self.sealed) if is_response else request

        if not is_large(request):
            return encoded(translated())
        return await asyncio.to_thread(lambda: encoded_by_message(translated(), "input" if is_response else "messages"))

    def learned(self, model: Model) -> Learned:
        """What the model has refused so far. Each script of a scenario of the mock begins with nothing."""
        key = (model, context.script_in_use())
        found = self._learned.get(key)
        if found is None:
            known = self._context_tokens if model is self.engine.chat else None
            found = self._learned[key] = Learned(context_tokens=known)
            if len(self._learned) > MAX_LEARNED:
                self._learned.popitem(last=False)
        return found

    async def learn(self, refusal: UpstreamError, model: Model, request: dict[str, Any]) -> bool:
        """Remember what the model has refused of a request; False if asking again would be of no use."""
        if not isinstance(refusal, RequestRefused):
            return False
        avoided = self.learned(model).add(refusal, await asyncio.to_thread(expand, request))
        if avoided is not None:
            log.warning("%s does not support %s, which is left out from now on", model.name, avoided)
        return avoided is not None

    def span(self, kind: Kind) -> tracing.Span:
        """The span of a call of that kind."""
        model: Model = getattr(self.engine, kind)
        return tracing.model_call(kind, self._engine_name, model.name, self.engine.address)

    async def post_json(self, model: Model, body: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Send a request and read its response, a JSON object, all within `seconds`. Raises UpstreamError."""
        with self.span(model.kind) as span:
            answer = await self._post_json(model, body, seconds)
            usage = answer.get("usage")
            counts = usage if isinstance(usage, dict) else {}
            tokens = (counts.get("input_tokens", counts.get("prompt_tokens")), counts.get("output_tokens"))
            tracing.answered(span, None, *(count if isinstance(count, int) else None for count in tokens))
            tracing.responded(span, answer.get("model"))
            return answer

    async def _post_json(self, model: Model, body: dict[str, Any], seconds: float) -> dict[str, Any]:
        began, response = time.monotonic(), None
        try:
            async with asyncio.timeout(seconds):
                response = await self._post_learning(model, body)
                try:
                    answer = orjson.loads(await response.aread())
                finally:
                    await response.aclose()
        except UpstreamError:
            raise
        except orjson.JSONDecodeError:
            raise invalid_response() from None
        except Exception as error:
            if response is None:
                # The limit has cancelled `post`, which counts no cancellation: a stop is no error.
                metrics.UPSTREAM_REQUESTS.inc(model.kind, "error")
            raise self.failure(error, model, began) from error
        if not isinstance(answer, dict):
            raise invalid_response()
        if answer.get("error"):
            raise await self.failure_in_body(answer["error"], model, body)
        return answer

    async def _post_learning(self, model: Model, body: dict[str, Any]) -> httpx2.Response:
        while True:
            request = self.learned(model).without(body)
            try:
                return await self.post(model, request, None)
            except UpstreamError as error:
                if not await self.learn(error, model, request):
                    raise

    def failure(self, error: Exception, model: Model, began: float | None = None) -> UpstreamError:
        """Convert what a call of the model raised, and log it; an UpstreamError has been through this already."""
        if isinstance(error, UpstreamError):
            return error
        # The client says "Connection error." of them all. A repr may hold headers, and a login in them.
        cause = error.__cause__ if isinstance(error, openai.APIConnectionError) and error.__cause__ else error
        failure = (self.tokens and refused_identity(error, self.tokens)) or from_exception(error, self._settings(model))
        reason, said = type(cause).__name__, str(cause)
        if isinstance(error, openai.APIStatusError):
            reason = f"status {error.status_code}{_request_id(error.response)} {described(error.body)}"
            said = repr(error.body)
        elif isinstance(cause, OSError) or failure.reason in ("unreachable", "timeout"):
            # Of the network. All others may quote what came.
            reason = f"{reason}: {said}"[:1000]
        after = f" after {(time.monotonic() - began) * 1000:.0f} ms" if began else ""
        extra = logs.fields(kind=model.kind, model=model.name, reason=failure.reason)
        log.warning("upstream %s failed%s: %s", model.kind, after, reason, extra=extra)
        log.debug("upstream %s said %.1000s", model.kind, said)
        return failure

    async def failure_in_body(self, body: object, model: Model, request: dict[str, Any]) -> UpstreamError:
        """Convert an `error` object inside a response of the model to this request, and log it."""
        log.warning("upstream %s sent an error inside a 200: %s", model.kind, described(body))
        log.debug("upstream %s said %.1000r", model.kind, body)
        said = await asyncio.to_thread(lambda: without_echoes(body, expand(request)))
        return from_body(said, self._settings(model))

    def _settings(self, model: Model) -> Mapping[str, str]:
        name = context.recorded_engine()
        # A replay speaks of the settings that were in use.
        engine = ENGINES[name].open(self._all_settings, None) if name else self.engine
        named: Model = getattr(engine, model.kind)
        return {**engine.settings, "deployment": named.setting}


def _make_known(error: openai.APIStatusError, request: dict[str, Any], *, is_response: bool) -> None:
    """Leave out of a refusal what it repeats of its request, and give what it names the names of chat."""
    # The emulator's own words quote the question that no rule of a strict script answers.
    if error.code != "no_rule":
        error.body = without_echoes(error.body, expand(request))
    if is_response:
        rename_refused(error, request)


def _request_id(response: httpx2.Response) -> str:
    """Azure's id of the request, by which its support finds it; other engines send none."""
    found = response.headers.get("apim-request-id")
    return f" apim-request-id={found}" if found else ""
