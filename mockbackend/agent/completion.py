"""One streamed chat completion, read chunk by chunk as Azure sends it: text, reasoning, tool calls, end, usage."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import orjson

from ..answering import Answering
from ..events import FinishReason, ReasoningDelta, TextDelta, ToolCallDelta, ToolCalled, ToolCallStarted, Usage
from ..upstream import Upstream
from ..upstream.faults import CUT, MALFORMED

FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content-filter",
    "tool_calls": "tool-calls",
    "function_call": "tool-calls",
}


@dataclass(slots=True)
class Call:
    """A tool call as its fragments come; `id` is the conversation's, `arguments` JSON once it is whole."""

    id: str
    name: str
    arguments: str = ""


class Completion:
    """The reading of one completion's stream into an answer's events."""

    def __init__(self, answering: Answering, upstream: Upstream, taken_ids: set[str]) -> None:
        self._answering = answering
        self._upstream = upstream
        self._taken_ids = taken_ids
        self.calls: dict[int, Call] = {}
        self.finish: FinishReason | None = None
        self.usage = Usage()
        self.said_anything = False

    async def read(self, body: dict[str, Any]) -> None:
        """Ask, and read to the end. Raises UpstreamError; what was said until then has been emitted."""
        async with self._upstream.chat(body) as batches:
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
            raise CUT

    def _take(self, data: bytes) -> None:
        try:
            chunk = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise MALFORMED from None
        if not isinstance(chunk, dict):
            raise MALFORMED
        if "error" in chunk:
            raise self._upstream.fault_in_stream(chunk["error"])
        if usage := chunk.get("usage"):
            self.usage = Usage(usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0)
        # The first chunk has no choice, the last one neither, and a late filter's has no delta.
        for choice in chunk.get("choices") or ():
            if delta := choice.get("delta"):
                self._take_delta(delta)
            if (reason := choice.get("finish_reason")) and self.finish != "content-filter":
                self.finish = FINISH.get(reason, "other")

    def _take_delta(self, delta: dict[str, Any]) -> None:
        if text := delta.get("content") or delta.get("refusal"):
            self.said_anything = True
            self._answering.emit(TextDelta(text))
        if reasoning := delta.get("reasoning_content") or delta.get("reasoning"):
            self.said_anything = True
            self._answering.emit(ReasoningDelta(reasoning))
        for fragment in delta.get("tool_calls") or ():
            self._take_call(fragment)

    def _take_call(self, fragment: dict[str, Any]) -> None:
        index = fragment.get("index") or 0
        function = fragment.get("function") or {}
        call = self.calls.get(index)
        if call is None:
            self.said_anything = True
            call = self.calls[index] = Call(self._call_id(fragment.get("id")), function.get("name") or "")
            self._answering.emit(ToolCallStarted(call.id, call.name))
        if arguments := function.get("arguments"):
            call.arguments += arguments
            self._answering.emit(ToolCallDelta(call.id, arguments))

    def _call_id(self, upstreams: str | None) -> str:
        # Some engines count their calls anew in every answer; a client would take them for one.
        call_id = upstreams if upstreams and upstreams not in self._taken_ids else f"call_{uuid.uuid4().hex}"
        self._taken_ids.add(call_id)
        return call_id

    def called(self) -> list[tuple[ToolCalled, str | None]]:
        """The whole calls, in order; beside each the fault of its arguments, where they are no JSON object."""
        return [_whole(call) for _, call in sorted(self.calls.items())]


def _whole(call: Call) -> tuple[ToolCalled, str | None]:
    try:
        args = orjson.loads(call.arguments or "{}")
    except orjson.JSONDecodeError as error:
        return ToolCalled(call.id, call.name, {}), f"The arguments are not valid JSON: {error}"
    if not isinstance(args, dict):
        return ToolCalled(call.id, call.name, {}), "The arguments are not a JSON object."
    return ToolCalled(call.id, call.name, args), None
