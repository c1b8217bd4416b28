"""The stored answer of a turn, from its events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, assert_never

from ..events import (
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
    Usage,
)
from .kinds import Approval, DataPart, ImagePart, Message, Part, SourcePart, ToolPart
from .reading import is_open

INTERRUPTED = "The call was interrupted before it had a result."
NOT_ANSWERED = "The user did not answer this call."


def answer_parts(events: Iterable[Event]) -> list[Part]:
    """The parts of an answer, from its turn's events. A call that has no result and is not open gets the reason."""
    parts: list[Part] = []
    calls: dict[str, ToolPart] = {}
    shown: dict[tuple[str, str], DataPart] = {}
    words: list[str] = []
    kind: Literal["text", "reasoning"] = "text"

    def flush() -> None:
        if words:
            text = "".join(words)
            parts.append({"type": "text", "text": text} if kind == "text" else {"type": "reasoning", "text": text})
            words.clear()

    for event in events:
        match event:
            case TextDelta(text) | ReasoningDelta(text):
                now: Literal["text", "reasoning"] = "text" if isinstance(event, TextDelta) else "reasoning"
                if now != kind:
                    flush()
                kind = now
                words.append(text)
                continue
            case ToolCallDelta():
                continue
        flush()
        match event:
            case StepStarted():
                parts.append({"type": "step"})
            case ToolCallStarted(call_id, name):
                calls[call_id] = {"type": "tool", "id": call_id, "name": name, "args": {}}
                parts.append(calls[call_id])
            case ToolCalled(call_id, name, args):
                if call_id not in calls:
                    calls[call_id] = {"type": "tool", "id": call_id, "name": name, "args": args}
                    parts.append(calls[call_id])
                calls[call_id]["args"] = args
            case ResultAwaited(call_id):
                calls[call_id]["client"] = True
            case ApprovalAsked(call_id, approval_id):
                calls[call_id]["approval"] = {"id": approval_id}
            case ApprovalGiven(call_id, approved, reason):
                approval: Approval = {"id": calls[call_id]["approval"]["id"], "approved": approved}
                calls[call_id]["approval"] = {**approval, "reason": reason} if reason else approval
            case ToolReturned(call_id, result, failed):
                calls[call_id]["result"] = result
                if failed:
                    calls[call_id]["failed"] = True
            case ImageMade(token, revised_prompt):
                image: ImagePart = {"type": "picture", "token": token}
                if revised_prompt:
                    image["revised_prompt"] = revised_prompt
                parts.append(image)
            case Source(file_id, name, media_type, place, url):
                source: SourcePart = {
                    "type": "source",
                    "file_id": file_id,
                    "name": name,
                    "media_type": media_type,
                    "place": place,
                }
                if url:
                    source["url"] = url
                parts.append(source)
            case DataShown(name, data_id, data, transient=False):
                if (name, data_id) not in shown:
                    shown[name, data_id] = {"type": "data", "name": name, "id": data_id, "data": data}
                    parts.append(shown[name, data_id])
                shown[name, data_id]["data"] = data
            case EngineData(data):
                parts.append({"type": "engine", "data": data})
            case DataShown() | Progress() | StepEnded() | Failed() | TurnEnded():
                pass  # passing, or of the whole message
            case _:
                assert_never(event)
    flush()
    for call in calls.values():
        if "result" not in call and not is_open(call):
            call["result"] = {"error": INTERRUPTED}
            call["failed"] = True
    return parts


def answer_message(message_id: str, turn: str, at: int, events: list[Event], *, complete: bool) -> Message:
    """The stored answer of a turn: what the user saw, marked incomplete unless it came to its own end."""
    message: Message = {"id": message_id, "role": "assistant", "turn": turn, "at": at, "parts": answer_parts(events)}
    usage = Usage()
    for event in events:
        if isinstance(event, StepEnded):
            message["finish"] = event.finish_reason
            usage += event.usage
        elif isinstance(event, Failed):
            message["error"] = event.message
    message["usage"] = {"prompt": usage.prompt, "completion": usage.completion}
    if not complete:
        message["incomplete"] = True
    return message
