"""One streamed chat completion, read chunk by chunk as Azure sends it: text, reasoning, tool calls, end, usage."""

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

FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content-filter",
    "tool_calls": "tool-calls",
    "function_call": "tool-calls",
}
# What the API takes as a name; a model may invent another, and its call would be refused with every later request.
NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")
LONGEST_NAME = 64
# Arguments are framed, stored and sent within other JSON, and orjson writes 254 levels.
DEEPEST = 200
log = logging.getLogger("mockbackend.turn")


@dataclass(slots=True)
class Call:
    """A tool call as its fragments come; `id` is the conversation's, `arguments` JSON once it is whole."""

    id: str
    upstream_id: str | None
    name: str
    arguments: str = ""


class Completion:
    """One completion's stream, read into events for `emit`; `taken_ids` are the calls' ids that are in use."""

    def __init__(self, upstream: Upstream, emit: Callable[[Event], None], taken_ids: set[str]) -> None:
        self._upstream = upstream
        self._emit = emit
        self._taken_ids = taken_ids
        self.calls: list[Call] = []
        self._by_index: dict[int, Call] = {}
        self.finish: FinishReason | None = None
        self.usage = Usage()
        self.said_anything = False

    async def read(self, body: dict[str, Any]) -> None:
        """Ask, and read to the end. Raises UpstreamError; what was said until then has been emitted."""
        async with self._upstream.chat(body) as batches:
            del body
            async for batch in batches:
                for data in batch:
                    if data == b"[DONE]":
                        self._check_end()
                        return
                    self._take(data)
        self._check_end()

    def _check_end(self) -> None:
        # A body that ends without a finish_reason was cut, though no library says so.
        if self.finish is None:
            raise truncated()

    def _take(self, data: bytes) -> None:
        try:
            chunk = orjson.loads(data)
            error = chunk.get("error")
            if not error:
                self._take_chunk(chunk)
        except (AttributeError, TypeError, ValueError) as shape:
            log.warning("the model API sent an event that is none (%s): %.500r", shape, data)
            raise invalid_response() from None
        if error:
            raise self._upstream.fault_in_stream(error)

    def _take_chunk(self, chunk: dict[str, Any]) -> None:
        if usage := chunk.get("usage"):
            self.usage = Usage(tokens(usage.get("prompt_tokens")), tokens(usage.get("completion_tokens")))
        # The first chunk has no choice, the last one neither, and a late filter's has no delta.
        for choice in chunk.get("choices") or ():
            if delta := choice.get("delta"):
                self._take_delta(delta)
            if (reason := choice.get("finish_reason")) and self.finish != "content-filter":
                self.finish = FINISH.get(reason, "other")

    def _take_delta(self, delta: dict[str, Any]) -> None:
        if text := delta.get("content") or delta.get("refusal"):
            self.said_anything = True
            self._emit(TextDelta(_words(text)))
        if reasoning := delta.get("reasoning_content") or delta.get("reasoning"):
            self.said_anything = True
            self._emit(ReasoningDelta(_words(reasoning)))
        for fragment in delta.get("tool_calls") or ():
            self._take_call(fragment)

    def _take_call(self, fragment: dict[str, Any]) -> None:
        function = fragment.get("function") or {}
        upstream_id = fragment.get("id") or None
        if not isinstance(upstream_id, str | None):
            raise TypeError("a call's id is no text")
        index = int(fragment.get("index") or 0)
        call = self._by_index.get(index)
        # Some engines count no index, or none but 0: an id of its own begins another call.
        if call is None or (upstream_id and upstream_id != call.upstream_id and function.get("name")):
            self.said_anything = True
            name = NOT_IN_NAMES.sub("_", function.get("name") or "unnamed")[:LONGEST_NAME]
            call = self._by_index[index] = Call(self._call_id(upstream_id), upstream_id, name)
            self.calls.append(call)
            self._emit(ToolCallStarted(call.id, call.name))
        if arguments := function.get("arguments"):
            call.arguments += arguments
            self._emit(ToolCallDelta(call.id, arguments))

    def _call_id(self, upstreams: str | None) -> str:
        # Some engines count their calls anew in every answer; a client would take them for one.
        call_id = upstreams if upstreams and upstreams not in self._taken_ids else f"call_{uuid.uuid4().hex}"
        self._taken_ids.add(call_id)
        return call_id

    def called(self) -> list[tuple[ToolCalled, str | None]]:
        """The whole calls, in order; beside each the fault of its arguments, where they are no JSON object."""
        return [_whole(call) for call in self.calls]


def _words(text: object) -> str:
    if not isinstance(text, str):
        raise TypeError("its words are no text")
    return text


def _whole(call: Call) -> tuple[ToolCalled, str | None]:
    try:
        args = orjson.loads(call.arguments or "{}")
    except orjson.JSONDecodeError as error:
        return ToolCalled(call.id, call.name, {}), f"The arguments are not valid JSON: {error}"
    if not isinstance(args, dict):
        return ToolCalled(call.id, call.name, {}), "The arguments are not a JSON object."
    if is_deeper(args, DEEPEST):
        return ToolCalled(call.id, call.name, {}), "The arguments are nested too deeply."
    return ToolCalled(call.id, call.name, args), None


def is_deeper(value: object, levels: int) -> bool:
    """Whether a JSON value is nested more than so many levels deep."""
    level = [value]
    for _ in range(levels):
        inner = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)]
        level = [item for items in inner for item in items]
        if not level:
            return False
    return True
