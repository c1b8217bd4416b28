"""The events of a stored answer, from its parts: `answer_parts` the other way round."""

from __future__ import annotations

from collections.abc import Collection, Iterator
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


def answer_events(answer: Message, late: Collection[str] = ()) -> list[Event]:
    """The events that make this message once more. The last step's end has the usage of all of them.

    What became of the calls of these ids follows the end of their step, as it did while the answer waited for it.
    """
    return list(_events(answer, late))


def _events(answer: Message, late: Collection[str]) -> Iterator[Event]:
    is_begun = False
    outcomes: list[Event] = []
    for part in answer["parts"]:
        if part["type"] == "step" or not is_begun:
            if is_begun:
                yield StepEnded("tool-calls", Usage())
                yield from outcomes
                outcomes.clear()
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
                yield from _opening(part)
                if part["id"] in late:
                    outcomes += _outcome(part)
                else:
                    yield from _outcome(part)
            case "attachment":
                pass  # only in users' messages
            case _:
                assert_never(part)
    if not is_begun:
        yield StepStarted(answer["id"])
    usage: dict[str, Any] = {**answer.get("usage", {})}
    # What ended it otherwise is over: it goes on.
    yield StepEnded("tool-calls", Usage(usage.get("prompt", 0), usage.get("completion", 0)))
    yield from outcomes


def _opening(call: ToolPart) -> Iterator[Event]:
    yield ToolCalled(call["id"], call["name"], call["args"])
    if call.get("client"):
        yield ResultAwaited(call["id"])
    if approval := call.get("approval"):
        yield ApprovalAsked(call["id"], approval["id"])


def _outcome(call: ToolPart) -> Iterator[Event]:
    approval = call.get("approval")
    if approval and "approved" in approval:
        yield ApprovalGiven(call["id"], approval["approved"], approval.get("reason", ""))
    if "result" in call:
        yield ToolReturned(call["id"], call["result"], call.get("failed", False))
