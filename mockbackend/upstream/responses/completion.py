"""A response, read from its stream: each of its events as the chunk of a chat completion that says the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...data_parts import DATA_PARTS
from ...events import Event
from ...mock.played_calls import PLAYED_CALLS
from ..chat.completion import Completion, ErrorInStream
from ..client import Upstream
from .request import OPTIONS

Chunk = dict[str, Any]

TEXTS = {
    "response.output_text.delta": "content",
    "response.refusal.delta": "content",
    "response.reasoning_summary_text.delta": "reasoning_content",
    "response.reasoning_text.delta": "reasoning_content",
}
INCOMPLETE = {"max_output_tokens": "length", "content_filter": "content_filter"}


class ResponseCompletion(Completion):
    """The reader of one response."""

    def __init__(self, upstream: Upstream, emit: Callable[[Event], None], taken_ids: set[str]) -> None:
        super().__init__(upstream, emit, taken_ids)
        # By their places in the output: items of which something has come in pieces.
        self._begun: set[object] = set()
        self._called: set[object] = set()
        self._sealed: list[dict[str, Any]] = []

    async def read(self, body: dict[str, Any]) -> None:
        """Send the request and read its answer. Raises UpstreamError; what came before that has been emitted."""
        await super().read({**body, **OPTIONS})
        if self._sealed and (calls := self.tool_calls.parsed()):
            self._upstream.sealed.keep(calls[0][0].call_id, self._sealed)

    def _take_chunk(self, chunk: dict[str, Any]) -> None:
        try:
            self._take_event(chunk)
        except KeyError as missing:
            raise ValueError(f"an event without {missing}") from None

    def _take_event(self, chunk: dict[str, Any]) -> None:
        kind = chunk.get("type")
        if not self.model and isinstance(response := chunk.get("response"), dict):
            self._identify(response)
        if kind in TEXTS:
            self._begun.add(chunk["output_index"])
            super()._take_chunk(_delta({TEXTS[kind]: chunk["delta"]}))
            return
        match kind:
            case None if chunk.keys() & {DATA_PARTS, PLAYED_CALLS}:
                # The same on both wires.
                self._take_other(chunk)
            case "response.output_text.annotation.added":
                super()._take_chunk(_delta({"annotations": [chunk["annotation"]]}))
            case "response.reasoning_summary_part.added" if chunk["summary_index"]:
                super()._take_chunk(_delta({"reasoning_content": "\n\n"}))
            case "response.output_item.added" if chunk["item"]["type"] == "function_call":
                self._take_call(chunk["output_index"], chunk["item"])
            case "response.function_call_arguments.delta":
                self._take_arguments(chunk["output_index"], chunk["delta"])
            case "response.function_call_arguments.done" if chunk["output_index"] not in self._begun:
                self._take_arguments(chunk["output_index"], chunk["arguments"])
            case "response.output_item.done":
                self._take_item(chunk["output_index"], chunk["item"])
            case "response.completed" | "response.incomplete":
                self._take_end(chunk["response"])
            case "response.failed":
                raise ErrorInStream(chunk["response"].get("error"))
            case "error":
                raise ErrorInStream(chunk)

    def _take_call(self, place: object, item: dict[str, Any]) -> None:
        self._called.add(item["call_id"])
        function = {"name": item["name"], "arguments": ""}
        super()._take_chunk(_delta({"tool_calls": [{"index": place, "id": item["call_id"], "function": function}]}))
        if arguments := item.get("arguments"):
            self._take_arguments(place, arguments)

    def _take_arguments(self, place: object, arguments: str) -> None:
        self._begun.add(place)
        super()._take_chunk(_delta({"tool_calls": [{"index": place, "function": {"arguments": arguments}}]}))

    def _take_item(self, place: object, item: dict[str, Any]) -> None:
        """Take a whole item, of which an engine that does not stream sends nothing before."""
        match item["type"]:
            case "reasoning" if item.get("encrypted_content"):
                self._sealed.append({key: value for key, value in item.items() if key != "status"})
            case "message" if place not in self._begun:
                for part in item.get("content") or ():
                    words = {"content": part.get("text") or part.get("refusal")}
                    super()._take_chunk(_delta({**words, "annotations": part.get("annotations")}))
            case "function_call" if place not in self._begun and item["call_id"] not in self._called:
                self._take_call(place, item)
            case "function_call" if place not in self._begun and item.get("arguments"):
                self._take_arguments(place, item["arguments"])
        self._begun.add(place)

    def _take_end(self, response: dict[str, Any]) -> None:
        for place, item in enumerate(response.get("output") or ()):
            if place not in self._begun:
                self._take_item(place, item)
        usage = response.get("usage") or {}
        counts = {"prompt_tokens": usage.get("input_tokens"), "completion_tokens": usage.get("output_tokens")}
        reason = "tool_calls" if len(self.tool_calls) else "stop"
        if response["status"] == "incomplete":
            details = response.get("incomplete_details") or {}
            reason = INCOMPLETE.get(str(details.get("reason")), "incomplete")
        super()._take_chunk({"usage": counts, "choices": [{"finish_reason": reason}]})


def _delta(delta: dict[str, Any]) -> Chunk:
    return {"choices": [{"delta": delta}]}
