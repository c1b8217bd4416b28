"""The events of a stored answer, from its parts: `answer_parts` the other way round."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, assert_never

from ..events import (
    ApprovalAsked,
    ApprovalGiven,
    DataShown,
    EngineData,
    Event,
    ImageMade,
    ReasoningDelta,
    ResultAwaited,
    Source,
    StepEnded,
    StepStarted,
    TextDelta,
    ToolCalled,
    ToolReturned,
    Usage,
)
from .kinds import Message, ToolPart


def answer_events(answer: Message) -> list[Event]:
    """The events that make this message once more. They end with a step's end, which has the usage of all steps."""
    return list(_events(answer))


def _events(answer: Message) -> Iterator[Event]:
    is_begun = False
    for part in answer["parts"]:
        if part["type"] == "step" or not is_begun:
            if is_begun:
                yield StepEnded("tool-calls", Usage())
            yield StepStarted(answer["id"])
            is_begun = True
        match part["type"]:
            case "step":
                pass
            case "text":
                yield TextDelta(part["text"])
            case "reasoning":
                yield ReasoningDelta(part["text"])
            case "picture":
                yield ImageMade(part["token"], part.get("revised_prompt"))
            case "source":
                place = (part["file_id"], part["name"], part["media_type"], part["place"])
                yield Source(*place, part.get("url", ""))
            case "data":
                yield DataShown(part["name"], part["id"], part["data"])
            case "engine":
                yield EngineData(part["data"])
            case "tool":
                yield from _call_events(part)
            case "attachment":
                pass  # only in users' messages
            case _:
                assert_never(part)
    if not is_begun:
        yield StepStarted(answer["id"])
    usage: dict[str, Any] = {**answer.get("usage", {})}
    # What ended it otherwise is over: it goes on.
    yield StepEnded("tool-calls", Usage(usage.get("prompt", 0), usage.get("completion", 0)))


def _call_events(call: ToolPart) -> Iterator[Event]:
    call_id = call["id"]
    yield ToolCalled(call_id, call["name"], call["args"])
    if call.get("client"):
        yield ResultAwaited(call_id)
    if approval := call.get("approval"):
        yield ApprovalAsked(call_id, approval["id"])
        if "approved" in approval:
            yield ApprovalGiven(call_id, approval["approved"], approval.get("reason", ""))
    if "result" in call:
        yield ToolReturned(call_id, call["result"], call.get("failed", False))
