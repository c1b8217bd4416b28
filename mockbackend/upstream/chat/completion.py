"""One chat completion, read from its stream into events: text, reasoning, tool calls, and then its end and usage."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import Any

import orjson

from ...data_parts import DATA_PARTS
from ...events import DataShown, EngineData, Event, FinishReason, ReasoningDelta, TextDelta, Usage
from ...mock.played_calls import PLAYED_CALLS
from ..client import Upstream
from ..errors import invalid_response, truncated
from ..usage import tokens
from .citations import Citations
from .finish import finish_reason
from .stream import stream_chat
from .text import Halves, join_details, plain, texts_of
from .tool_calls import ToolCalls, is_storable
from .usual_chunk import UsualChunk

# What an engine may call the model's thinking. Those that want it back want it under the same name.
REASONING_FIELDS = ("reasoning_content", "reasoning", "thinking")
log = logging.getLogger("mockbackend.upstream")


class ErrorInStream(Exception):
    """An error inside a stream that had begun: `body` is what the engine says."""

    def __init__(self, body: Any) -> None:
        super().__init__()
        self.body = body


class Completion:
    """The reader of one completion. `emit` takes its events; `taken_ids` are the ids of earlier tool calls."""

    def __init__(self, upstream: Upstream, emit: Callable[[Event], None], taken_ids: set[str]) -> None:
        self._upstream = upstream
        self._emit = emit
        self._began = 0.0
        self._has_text = False
        # Whether characters may come in halves: orjson takes none.
        self._is_loose = False
        self._usual = UsualChunk()
        self._words = Halves()
        self._reasoning = Halves()
        self._reasoning_data: dict[str, Any] = {}
        # What a script of the mock says of the calls, by their places.
        self._played: list[dict[str, Any] | None] = []
        self._citations = Citations()
        self.tool_calls = ToolCalls(emit, taken_ids)
        self.finish: FinishReason | None = None
        self.usage = Usage()
        # What the engine calls them, and how long it took to begin.
        self.model: object = None
        self.response_id: object = None
        self.first_chunk_seconds: float | None = None

    @property
    def has_output(self) -> bool:
        """Whether anything has been emitted."""
        return self._has_text or self.tool_calls.begun

    async def read(self, body: dict[str, Any]) -> None:
        """Send the request and read its answer. Raises UpstreamError; what came before that has been emitted."""
        self._began = time.monotonic()
        try:
            await stream_chat(self._upstream, body, self._take_events)
        except ErrorInStream as error:
            raise await self._upstream.failure_in_body(error.body, self._upstream.engine.chat, body) from None
        self._end()

    def _take_events(self, events: list[bytes]) -> bool:
        """Take the data of the next events; returns whether the last is among them."""
        if self.first_chunk_seconds is None:
            self.first_chunk_seconds = time.monotonic() - self._began
        for data in events:
            if data == b"[DONE]":
                return True
            self._take(data)
        return False

    def _end(self) -> None:
        # A body that ends without a finish_reason was cut short, though no library says so.
        if self.finish is None:
            raise truncated()
        self._say_reasoning(self._reasoning.end())
        self._say(self._words.end())
        if self._reasoning_data and len(self.tool_calls) and is_storable(self._reasoning_data):
            self._emit(EngineData(self._reasoning_data))
        if played := {one: said for one, said in zip(self.tool_calls.ids, self._played, strict=False) if said}:
            self._emit(EngineData({PLAYED_CALLS: played}))

    def _take(self, data: bytes) -> None:
        # What else such a chunk says is what the last one said, so nothing in `_take_chunk` may add up.
        if not self._is_loose and (word := self._usual.word(data)) is not None:
            self._say(word)
            return
        try:
            chunk = orjson.loads(data)
        except orjson.JSONDecodeError:
            if (text := data.strip()) in (b"", b"[DONE]"):
                # A heartbeat; or an end that another event follows.
                return
            self._is_loose, chunk = True, _loosely(text)
        try:
            error = chunk.get("error") if type(chunk) is dict else _only(chunk).get("error")
            if not error:
                error = self._take_chunk(chunk)
        except (AttributeError, TypeError, ValueError, KeyError) as malformed:
            raise _malformed(data, malformed) from None
        if error:
            raise ErrorInStream(error)
        if not self._is_loose:
            self._usual.learn(data, chunk)

    def _take_chunk(self, chunk: dict[str, Any]) -> Any:
        """Take a chunk; returns the error that it holds, if any."""
        if not self.model:
            self._identify(chunk)
        if usage := chunk.get("usage"):
            self.usage = Usage(tokens(usage.get("prompt_tokens")), tokens(usage.get("completion_tokens")))
        # The first chunk and the last have no choice, and that of a late content filter has no delta.
        choices = chunk.get("choices")
        if not choices:
            return self._take_other(chunk)
        for choice in choices:
            if delta := choice.get("delta") or self._whole(choice):
                self._take_delta(delta)
            if error := choice.get("error") or (delta and delta.get("error")):
                return error
            if (reason := choice.get("finish_reason")) and self.finish != "content-filter":
                finish = finish_reason(reason)
                if finish == "error":
                    return {"type": reason}
                self.finish = finish
                if groq := chunk.get("x_groq"):
                    self._take_other(groq)
        return None

    def _whole(self, choice: dict[str, Any]) -> Any:
        """The answer in a choice that is no delta: a whole message, or a text. At the end it may be said once more."""
        if self.has_output or len(self.tool_calls):
            return None
        return choice.get("message") or (choice.get("text") and {"content": choice["text"]})

    def _identify(self, said: dict[str, Any]) -> None:
        self.model, self.response_id = said.get("model"), said.get("id")

    def _take_other(self, chunk: dict[str, Any]) -> Any:
        """Take a chunk without choices: a heartbeat, the usage, data of the mock, or an error; returns the error."""
        if not self.usage.prompt and (usage := chunk.get("usage")):
            self.usage = Usage(tokens(usage.get("prompt_tokens")), tokens(usage.get("completion_tokens")))
        if self._upstream.is_emulated:
            # What a script shows, as a tool of this service would.
            for part in chunk.get(DATA_PARTS, ()):
                self._emit(DataShown(**part))
            self._played = chunk.get(PLAYED_CALLS, self._played)
        # Some engines send the error itself.
        is_error = chunk.get("object") == "error" or chunk.get("type") == "error"
        return chunk if is_error or ("choices" not in chunk and ("detail" in chunk or "message" in chunk)) else None

    def _take_delta(self, delta: dict[str, Any]) -> None:
        content = delta.get("content")
        # Most deltas are a word and nothing else.
        if type(content) is str and len(delta) == 1 and not self._is_loose:
            if content:
                self._has_text = True
                self._emit(TextDelta(content))
            return
        thinking, words = texts_of(content) if content else ("", "")
        for name in REASONING_FIELDS:
            if reasoning := delta.get(name):
                self._reasoning_data["reasoning_field"] = name
                thinking = plain(reasoning) + thinking
                break
        if isinstance(details := delta.get("reasoning_details"), list):
            join_details(self._reasoning_data.setdefault("reasoning_details", []), details)
            thinking = thinking or plain(details)
        self._say_reasoning(self._reasoning.whole(thinking))
        self._say(self._words.whole(words + plain(delta.get("refusal"))))
        if annotations := delta.get("annotations"):
            for source in self._citations.new(annotations):
                self._emit(source)
        calls = delta.get("tool_calls") or ()
        for fragment in (calls,) if isinstance(calls, dict) else calls:
            self.tool_calls.take(fragment)
        if function := delta.get("function_call"):
            self.tool_calls.take({"index": 0, "function": function})

    def _say(self, text: str) -> None:
        if text:
            self._has_text = True
            self._emit(TextDelta(text))

    def _say_reasoning(self, text: str) -> None:
        if text:
            self._has_text = True
            self._emit(ReasoningDelta(text))


def _only(chunk: Any) -> dict[str, Any]:
    """Google sends an error in a list."""
    [item] = chunk
    if not item["error"]:
        raise TypeError("a list that is no error")
    found: dict[str, Any] = item
    return found


def _loosely(data: bytes) -> Any:
    """A chunk as engines' own clients parse it: with halves of characters, NaN, and what is not UTF-8 replaced."""
    try:
        return json.loads(data.decode(errors="replace"))
    except (ValueError, RecursionError) as malformed:
        raise _malformed(data, malformed) from None


def _malformed(data: bytes, malformed: Exception) -> Exception:
    log.warning("the model API sent a malformed event of %d bytes (%s)", len(data), type(malformed).__name__)
    log.debug("%s: %.500r", malformed, data)
    return invalid_response()
