"""Going on with an answer that waits for its client: what the client has sent for its open calls.

Nothing of the answer is read from the client but results of its own tools, and its user's yes or no.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

import orjson

from ..errors import ServiceError, unusable
from ..events import ApprovalGiven, Event, StepEnded, ToolReturned
from ..messages import NOT_ANSWERED, Message, Part, ToolPart, answer_events, is_open, open_calls
from ..upstream.chat.tool_calls import is_too_deep
from .request import CallAnswer

MAX_RESULT_BYTES = 256 * 1024
NOT_RUN = "The user said yes, but wrote a new message instead of waiting: the call was not run."
DENIED = "The user said no to this call."
NOTHING_OPEN = (
    "messages: the last message must be a user's. An assistant's message cannot be continued unless it waits for "
    "results of tool calls or for an approval."
)


def waiting(history: Sequence[Message]) -> tuple[Message, Message] | None:
    """The question and the answer at the end of a history, if that answer waits for its client."""
    if len(history) < 2 or history[-2]["role"] != "user" or not open_calls(history[-1]):
        return None
    return history[-2], history[-1]


@dataclass(frozen=True, slots=True)
class Continuation:
    """An answer that goes on, and its question, both as they are stored.

    `events` are the answer's, and then what the client has sent. `is_again`: that was taken before, and what followed
    has failed.
    """

    question: Message
    answer: Message
    events: list[Event]
    is_again: bool


def continuation(history: Sequence[Message], answers: Sequence[CallAnswer]) -> Continuation:
    """How the last answer of a history goes on. Raises ServiceError where what was sent is of no call that waits."""
    if len(history) < 2 or (history[-2]["role"], history[-1]["role"]) != ("user", "assistant"):
        raise unusable(NOTHING_OPEN)
    question, answer = history[-2:]
    calls = {part["id"]: part for part in answer["parts"] if part["type"] == "tool"}
    taken: list[Event] = []
    for sent in answers:
        call = calls.get(sent.call_id)
        if call is None:
            raise _refused(sent, "is not in the last answer")
        taken += _of_open(call, sent) if is_open(call) else _of_closed(call, sent)
    if not taken:
        # The same list again, after what followed it has failed. While another call is open, it is one whose client has
        # heard no more of a call than its own yes or no.
        repeated = [sent for sent in answers if _is_same(calls[sent.call_id], sent)]
        is_cut = any(sent.decides for sent in repeated) if open_calls(answer) else answer.get("incomplete")
        if not repeated or not is_cut:
            raise unusable(NOTHING_OPEN if not answers else "messages: none of these tool calls is open any more.")
    results = [event for event in taken if isinstance(event, ToolReturned) and "approval" not in calls[event.call_id]]
    # Of a call that its client has only decided on it has not heard the result, though that may be there by now.
    unheard = {sent.call_id for sent in answers if sent.decides}
    events = [*answer_events(answer, unheard), *results, *(event for event in taken if event not in results)]
    return Continuation(question, answer, events, is_again=not taken)


def known_events(events: Sequence[Event], answers: Sequence[CallAnswer]) -> int:
    """How many of a continuation's events its client has: up to what has become of a yes or no that it sends now."""
    last_end = max((index for index, event in enumerate(events) if isinstance(event, StepEnded)), default=0)
    decided = {sent.call_id for sent in answers if sent.decides}
    for index, event in enumerate(events):
        if isinstance(event, ApprovalGiven) and (event.call_id in decided or index > last_end):
            return index
    return len(events)


def closed(answer: Message, answers: Sequence[CallAnswer] = ()) -> Message:
    """The answer with no call open: with what the client has sent for them, and "not answered" for the others."""
    sent_for = {sent.call_id: sent for sent in answers}
    parts: list[Part] = []
    for part in answer["parts"]:
        if is_open(part):
            parts.append(_closed(part, sent_for.get(part["id"])))
        else:
            parts.append(part)
    return {**answer, "parts": parts}


def _closed(call: ToolPart, sent: CallAnswer | None) -> ToolPart:
    if sent is not None:
        _check(sent)
    if sent is not None and sent.kind == "result" and call.get("client"):
        return {**call, "result": sent.value, **({"failed": True} if sent.failed else {})}  # type: ignore[typeddict-item]
    words = NOT_ANSWERED
    approval = call.get("approval")
    if sent is not None and approval is not None and sent.approval_id in (None, approval["id"]):
        if sent.kind == "no" or sent.is_no:
            said = {**approval, "approved": False, **({"reason": sent.reason} if sent.reason else {})}
            return {**call, "approval": said, "result": denial(sent.reason), "failed": True}  # type: ignore[typeddict-item]
        if sent.kind == "yes":
            words = NOT_RUN
    return {**call, "result": {"error": words}, "failed": True}


def denial(reason: str) -> dict[str, str]:
    """The result of a call that its user has refused, which the model reads."""
    return {"error": f"{DENIED} The reason: {reason}" if reason else DENIED}


def _of_open(call: ToolPart, sent: CallAnswer) -> list[Event]:
    _check(sent)
    call_id, approval = call["id"], call.get("approval")
    if approval is None:
        match sent.kind:
            case "result":
                return [ToolReturned(call_id, sent.value, sent.failed)]
            case "listed":
                return []
            case "yes" | "no":
                raise _refused(sent, "waits for a result, not for an approval")
            case kind:
                assert_never(kind)
    if sent.kind == "result" and not sent.is_no:
        raise _refused(sent, "is one of the service's own tools: it takes a yes or a no, and no result")
    if sent.approval_id not in (None, approval["id"]):
        raise _refused(sent, "waits for another approval")
    if sent.kind == "no" or sent.is_no:
        return [
            ApprovalGiven(call_id, approved=False, reason=sent.reason),
            ToolReturned(call_id, denial(sent.reason), failed=True),
        ]
    return [ApprovalGiven(call_id, approved=True)]


def _of_closed(call: ToolPart, sent: CallAnswer) -> list[Event]:
    """Nothing: clients send their copies of results that the answer has. A yes or no that comes late is refused."""
    if sent.kind in ("yes", "no") and not _is_same(call, sent):
        raise _refused(sent, "is not open any more")
    return []


def _is_same(call: ToolPart, sent: CallAnswer) -> bool:
    """Whether it is what was taken for the call."""
    approval = call.get("approval")
    if approval is not None and (sent.kind != "result" or sent.is_no):
        return approval.get("approved") is (sent.kind in ("yes", "listed"))
    # Once a call that was approved has run, its client has the result in place of the yes.
    if sent.kind != "result" or not (call.get("client") or (approval and approval.get("approved"))):
        return False
    return bool(call.get("failed", False) == sent.failed and call.get("result") == sent.value)


def _check(sent: CallAnswer) -> None:
    """Raise a 422 for what cannot be taken. Copies of results that are stored are not looked at: they may be long."""
    if is_too_deep(sent.value):
        raise _refused(sent, "has a result that is nested too deeply")
    if len(orjson.dumps(sent.value)) + len(sent.reason.encode(errors="replace")) > MAX_RESULT_BYTES:
        raise _refused(sent, f"can have a result of at most {MAX_RESULT_BYTES // 1024} kB")


def _refused(sent: CallAnswer, why: str) -> ServiceError:
    return unusable(f"messages: the tool call {sent.call_id[:100]!r} {why}.")
