"""The events of a UI message stream: server-sent events with a JSON object each.

Follows `uiMessageChunkSchema` of the npm package ai (packages/ai/src/ui-message-stream/ui-message-chunks.ts), in what
version 5 accepts: it validates every key, so no other key is sent, and an absent value has no key at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, assert_never

import orjson

from ...events import (
    ApprovalAsked,
    ApprovalGiven,
    DataShown,
    EngineData,
    Event,
    Failed,
    ImageMade,
    Progress,
    ReasoningDelta,
    ResultAwaited,
    Source,
    StepEnded,
    StepStarted,
    TextDelta,
    ToolCallDelta,
    ToolCalled,
    ToolCallStarted,
    ToolReturned,
    TurnEnded,
)
from ...messages import error_text
from ..images import markdown
from ..links import Links
from ..sources import source_title, source_url

MEDIA_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "x-vercel-ai-ui-message-stream": "v1",
}
KEEP_ALIVE = b": keep-alive\n\n"
DONE = b"data: [DONE]\n\n"

Chunk = dict[str, Any]


class UIStream:
    """One connection's frames. It remembers which block of text is open, since blocks have a start and an end."""

    def __init__(self, links: Links, earlier: Sequence[Event] = ()) -> None:
        self._links = links
        self._started = False
        # Of an answer that goes on: its client has the message, and results may come before a step.
        self._going_on = next((event.message_id for event in earlier if isinstance(event, StepStarted)), None)
        self._denied: set[str] = set()
        self._failed = False
        self._blocks = 0
        self._calls: set[str] = set()
        self._shown = {(event.name, event.id) for event in earlier if isinstance(event, DataShown)}
        self._open = ""

    def frame(self, events: Iterable[Event]) -> bytes:
        """The frames of these events."""
        frames: list[bytes] = []
        for event in events:
            if self._going_on is not None:
                frames.append(b"data: %b\n\n" % orjson.dumps(self._start(self._going_on)))
                self._going_on = None
            frames += [b"data: %b\n\n" % orjson.dumps(chunk) for chunk in self._chunks(event)]
            if isinstance(event, TurnEnded):
                # assistant-ui throws without it, after errors too.
                frames.append(DONE)
        return b"".join(frames)

    def _chunks(self, event: Event) -> list[Chunk]:
        if self._failed:
            # The clients stop reading at an error.
            return []
        match event:
            case TextDelta(text):
                return [*self._open_block("text"), {"type": "text-delta", "id": self._id, "delta": text}]
            case ReasoningDelta(text):
                return [*self._open_block("reasoning"), {"type": "reasoning-delta", "id": self._id, "delta": text}]
            case ToolCallDelta(call_id, fragment):
                return [{"type": "tool-input-delta", "toolCallId": call_id, "inputTextDelta": fragment}]
            case StepStarted(message_id):
                step = {"type": "start-step"}
                return [step] if self._started else [self._start(message_id), step]
            case ToolCallStarted(call_id, name):
                self._calls.add(call_id)
                return [*self._close_block(), {"type": "tool-input-start", "toolCallId": call_id, "toolName": name}]
            case ToolCalled(call_id, name, args):
                called = {
                    "type": "tool-input-available",
                    "toolCallId": call_id,
                    "toolName": name,
                    "input": _acceptable(args),
                }
                # A call that was started already has its place among the parts.
                return [called] if call_id in self._calls else [*self._close_block(), called]
            case ApprovalAsked(call_id, approval_id):
                return [{"type": "tool-approval-request", "approvalId": approval_id, "toolCallId": call_id}]
            case ApprovalGiven(call_id, approved):
                if approved:
                    return []
                self._denied.add(call_id)
                return [{"type": "tool-output-denied", "toolCallId": call_id}]
            case ToolReturned(call_id) if call_id in self._denied:
                return []
            case ToolReturned(call_id, result, failed):
                if failed:
                    return [{"type": "tool-output-error", "toolCallId": call_id, "errorText": error_text(result)}]
                return [{"type": "tool-output-available", "toolCallId": call_id, "output": _acceptable(result)}]
            case ImageMade():
                text = markdown(event.token, event.revised_prompt, self._links)
                return [*self._open_block("text"), {"type": "text-delta", "id": self._id, "delta": text}]
            case Source():
                return [*self._close_block(), source_part(event, self._links)]
            case Progress(kind, data):
                return [{"type": f"data-{kind}", "data": _acceptable(data), "transient": True}]
            case DataShown(name, data_id, data, transient):
                part = data_part(name, data_id, data)
                if transient:
                    return [{**part, "transient": True}]
                is_new = (name, data_id) not in self._shown
                self._shown.add((name, data_id))
                # One that was shown already has its place among the parts.
                return [*(self._close_block() if is_new else ()), part]
            case EngineData() | ResultAwaited():
                return []  # for nobody; and an open call is known by its having no result
            case StepEnded():
                return [*self._close_block(), {"type": "finish-step"}]
            case Failed(message):
                self._failed = True
                return [*self._close_block(), {"type": "error", "errorText": message}]
            case TurnEnded(reason, usage):
                counted = {"inputTokens": usage.prompt, "outputTokens": usage.completion}
                return [{"type": "finish", "finishReason": reason, "messageMetadata": {"usage": counted}}]
            case _:
                assert_never(event)

    def _start(self, message_id: str) -> Chunk:
        self._started = True
        return {"type": "start", "messageId": message_id}

    @property
    def _id(self) -> str:
        return f"{self._open}-{self._blocks}"

    def _open_block(self, kind: Literal["text", "reasoning"]) -> list[Chunk]:
        """Open a block of this kind, unless it is open already."""
        if self._open == kind:
            return []
        closing = self._close_block()
        self._open = kind
        self._blocks += 1
        return [*closing, {"type": f"{kind}-start", "id": self._id}]

    def _close_block(self) -> list[Chunk]:
        if not self._open:
            return []
        closing = [{"type": f"{self._open}-end", "id": self._id}]
        self._open = ""
        return closing


def data_part(name: str, data_id: str, data: Any) -> Chunk:
    """Data that a tool showed."""
    return {"type": f"data-{name}", "id": data_id, "data": _acceptable(data)}


def source_part(source: Source, links: Links) -> Chunk:
    """A page or a document as a part of AI SDK 5 and later, whose documents have no field for a URL."""
    if source.url:
        return {"type": "source-url", "sourceId": source.id, "url": source.url, "title": source_title(source)}
    return {
        "type": "source-document",
        "sourceId": source.id,
        "mediaType": source.media_type,
        "title": source_title(source),
        "filename": source.name,
        "providerMetadata": {"mockbackend": {"fileId": source.file_id, "url": source_url(source, links)}},
    }


def _acceptable(value: Any) -> Any:
    """The value without the keys that make the clients' JSON parser (secure-json-parse) refuse a whole event."""
    if isinstance(value, list):
        return [_acceptable(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _acceptable(one)
        for key, one in value.items()
        if key != "__proto__" and not (key == "constructor" and isinstance(one, dict) and "prototype" in one)
    }
