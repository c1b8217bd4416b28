"""One chat completion, read from its stream into events: text, reasoning, tool calls, and then its end and usage."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import orjson

from ...events import Event, FinishReason, ReasoningDelta, TextDelta, Usage
from ..client import Upstream
from ..errors import invalid_response, truncated
from ..usage import tokens
from .stream import stream_chat
from .tool_calls import ToolCalls

FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content-filter",
    "tool_calls": "tool-calls",
    "function_call": "tool-calls",
}
log = logging.getLogger("mockbackend.upstream")


class Completion:
    """The reader of one completion. `emit` takes its events; `taken_ids` are the ids of earlier tool calls."""

    def __init__(self, upstream: Upstream, emit: Callable[[Event], None], taken_ids: set[str]) -> None:
        self._upstream = upstream
        self._emit = emit
        self._has_text = False
        self.tool_calls = ToolCalls(emit, taken_ids)
        self.finish: FinishReason | None = None
        self.usage = Usage()

    @property
    def has_output(self) -> bool:
        """Whether anything has been emitted."""
        return self._has_text or len(self.tool_calls) > 0

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
            kind = type(malformed).__name__
            log.warning("the model API sent a malformed event of %d bytes (%s)", len(data), kind)
            log.debug("%s: %.500r", malformed, data)
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
            self._has_text = True
            self._emit(TextDelta(_checked(text)))
        if reasoning := delta.get("reasoning_content") or delta.get("reasoning"):
            self._has_text = True
            self._emit(ReasoningDelta(_checked(reasoning)))
        for fragment in delta.get("tool_calls") or ():
            self.tool_calls.take(fragment)


def _checked(text: object) -> str:
    if not isinstance(text, str):
        raise TypeError("the text must be a string")
    return text
