"""One chat completion, read from its stream into events: text, reasoning, tool calls, and then its end and usage."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from ...events import (
    Event,
    FinishReason,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolCalled,
    ToolCallStarted,
    Usage,
)
from ..client import Upstream
from ..errors import invalid_response, truncated
from ..usage import tokens
from .stream import stream_chat

FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content-filter",
    "tool_calls": "tool-calls",
    "function_call": "tool-calls",
}
# A model may invent a name that the API does not take: with such a call in the history, it refuses every later request.
NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")
MAX_NAME_LENGTH = 64
# Arguments and results are sent and stored within other JSON, and orjson writes 254 levels.
MAX_DEPTH = 200
log = logging.getLogger("mockbackend.upstream")


@dataclass(slots=True)
class Call:
    """A tool call in fragments. `id` is unique in the conversation; `arguments` is JSON once all have come."""

    id: str
    upstream_id: str | None
    name: str
    arguments: str = ""


class Completion:
    """The reader of one completion. `emit` takes its events; `taken_ids` are the ids of earlier tool calls."""

    def __init__(self, upstream: Upstream, emit: Callable[[Event], None], taken_ids: set[str]) -> None:
        self._upstream = upstream
        self._emit = emit
        self._taken_ids = taken_ids
        self._calls: list[Call] = []
        self._by_index: dict[int, Call] = {}
        self.finish: FinishReason | None = None
        self.usage = Usage()
        self.has_output = False

    async def read(self, body: dict[str, Any]) -> None:
        """Send the request and read its answer. Raises UpstreamError; what came before that has been emitted."""
        async with stream_chat(self._upstream, body) as batches:
            del body
            async for batch in batches:
                for data in batch:
                    if data == b"[DONE]":
                        self._check_end()
                        return
                    self._take(data)
        self._check_end()

    def _check_end(self) -> None:
        # A body that ends without a finish_reason was cut short, though no library says so.
        if self.finish is None:
            raise truncated()

    def _take(self, data: bytes) -> None:
        try:
            chunk = orjson.loads(data)
            error = chunk.get("error")
            if not error:
                self._take_chunk(chunk)
        except (AttributeError, TypeError, ValueError) as malformed:
            log.warning("the model API sent a malformed event (%s): %.500r", malformed, data)
            raise invalid_response() from None
        if error:
            raise self._upstream.failure_in_body(error, self._upstream.engine.chat)

    def _take_chunk(self, chunk: dict[str, Any]) -> None:
        if usage := chunk.get("usage"):
            self.usage = Usage(tokens(usage.get("prompt_tokens")), tokens(usage.get("completion_tokens")))
        # The first chunk and the last have no choice, and that of a late content filter has no delta.
        for choice in chunk.get("choices") or ():
            if delta := choice.get("delta"):
                self._take_delta(delta)
            if (reason := choice.get("finish_reason")) and self.finish != "content-filter":
                self.finish = FINISH.get(reason, "other")

    def _take_delta(self, delta: dict[str, Any]) -> None:
        if text := delta.get("content") or delta.get("refusal"):
            self.has_output = True
            self._emit(TextDelta(_checked(text)))
        if reasoning := delta.get("reasoning_content") or delta.get("reasoning"):
            self.has_output = True
            self._emit(ReasoningDelta(_checked(reasoning)))
        for fragment in delta.get("tool_calls") or ():
            self._take_call(fragment)

    def _take_call(self, fragment: dict[str, Any]) -> None:
        function = fragment.get("function") or {}
        upstream_id = fragment.get("id") or None
        if not isinstance(upstream_id, str | None):
            raise TypeError("the id of a tool call must be a string")
        index = int(fragment.get("index") or 0)
        call = self._by_index.get(index)
        # Some engines send no index, or always 0: an id of its own begins another call.
        if call is None or (upstream_id and upstream_id != call.upstream_id and function.get("name")):
            self.has_output = True
            name = NOT_IN_NAMES.sub("_", function.get("name") or "unnamed")[:MAX_NAME_LENGTH]
            call = self._by_index[index] = Call(self._call_id(upstream_id), upstream_id, name)
            self._calls.append(call)
            self._emit(ToolCallStarted(call.id, call.name))
        if arguments := function.get("arguments"):
            call.arguments += arguments
            self._emit(ToolCallDelta(call.id, arguments))

    def _call_id(self, upstream_id: str | None) -> str:
        # Some engines use the same ids in every answer; a client would take the calls for one.
        call_id = upstream_id if upstream_id and upstream_id not in self._taken_ids else f"call_{uuid.uuid4().hex}"
        self._taken_ids.add(call_id)
        return call_id

    def tool_calls(self) -> list[tuple[ToolCalled, str | None]]:
        """The calls, in order, each with what is wrong with its arguments, if anything is."""
        return [_parsed(call) for call in self._calls]


def _checked(text: object) -> str:
    if not isinstance(text, str):
        raise TypeError("the text must be a string")
    return text


def _parsed(call: Call) -> tuple[ToolCalled, str | None]:
    try:
        args = orjson.loads(call.arguments or "{}")
    except orjson.JSONDecodeError as error:
        return ToolCalled(call.id, call.name, {}), f"The arguments are not valid JSON: {error}"
    if not isinstance(args, dict):
        return ToolCalled(call.id, call.name, {}), "The arguments are not a JSON object."
    if is_deeper(args, MAX_DEPTH):
        return ToolCalled(call.id, call.name, {}), "The arguments are nested too deeply."
    return ToolCalled(call.id, call.name, args), None


def is_deeper(value: object, levels: int) -> bool:
    """Whether a JSON value is nested more than `levels` deep."""
    level = [value]
    for _ in range(levels):
        inner = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)]
        level = [item for items in inner for item in items]
        if not level:
            return False
    return True
