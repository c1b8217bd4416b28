"""What a client does with calls that wait for it: its own tools' results, and its user's yes or no."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .calls import Call, Message

Found = Iterator[tuple[list[int], str]]
# States of a call that has a result, in AI SDK 4 and in later ones.
RESULTS = ("result", "output-available", "output-error")
REFUSED = (409, 422)
# Ends the id under which assistant-ui gets the result of a call that its user has approved.
REPEATED = "#result"


def result_never_sent(calls: Sequence[Call], everything: Sequence[Call]) -> Found:
    """Calls of the client's tools that it has left without a result."""
    for index, asked in enumerate(calls):
        left = {one for one, waits_for in asked.open_calls.items() if waits_for == "result"}
        if not left:
            continue
        following = [call for call in calls[index + 1 :] if _is_of_the_same(call, asked) and call.is_answered]
        after = next((call for call in following if _ends_the_wait(call)), None)
        if after is None:
            yield [asked.n], f"The answer of call {asked.n} waits for the result of {asked.tool(left)}."
            continue
        left -= set(answers_of(after))
        if left and after.begins_a_turn and not after.goes_on and not after.replaces(asked):
            words = f"Call {after.n} is a new message without the result of {asked.tool(left)}"
            yield [asked.n, after.n], f"{words}, which the answer of call {asked.n} waits for."


def _is_of_the_same(call: Call, asked: Call) -> bool:
    return (call.owner, call.conversation) == (asked.owner, asked.conversation)


def _ends_the_wait(call: Call) -> bool:
    # Where only some of the calls are answered, that call's own entry has those that are left.
    return call.on == "stop" or call.begins_a_turn or (call.on == "conversations" and call.method == "DELETE")


def answered_unknown_call(calls: Sequence[Call], everything: Sequence[Call]) -> Found:
    """Results and approvals that were refused, of calls that no answer of the conversation has."""
    for index, call in enumerate(calls):
        if call.status != 422 or not call.goes_on:
            continue
        known = {one for other in calls[:index] if _is_of_the_same(other, call) for one in other.tool_calls}
        if unknown := [one for one in answers_of(call) if one.removesuffix(REPEATED) not in known]:
            yield (
                [call.n],
                f"Call {call.n} answers the tool call {unknown[0]}, which no answer of the conversation has.",
            )


def approval_answered_twice(calls: Sequence[Call], everything: Sequence[Call]) -> Found:
    """A yes or no that had been taken, and came again. After an answer that has failed it may."""
    for index, again in enumerate(calls):
        if again.status not in REFUSED or not again.goes_on:
            continue
        said = {one for one, kind in answers_of(again).items() if kind == "approval"}
        for first in reversed(calls[:index]):
            is_taken = _is_of_the_same(first, again) and first.begins_a_turn and first.goes_on
            if is_taken and said & {one for one, kind in answers_of(first).items() if kind == "approval"}:
                has_failed = first.ended_badly and first.ended_at is not None and first.ended_at <= again.at
                if not has_failed:
                    yield [first.n, again.n], f"Call {again.n} sends the approval of call {first.n} once more."
                break


def answers_of(call: Call) -> Mapping[str, str]:
    """What a list says of calls in its last answer, or in tool messages alone: `result` or `approval`, by their ids."""
    found: dict[str, str] = {}
    last = next((at for at in range(len(call.messages) - 1, -1, -1) if call.messages[at].role == "assistant"), 0)
    for message in call.messages[last:]:
        value = message.value
        if message.role == "tool":
            found |= dict.fromkeys(results_in(message), "result")
        elif message.role == "assistant":
            for part in (*_objects(value.get("parts")), *_objects(value.get("toolInvocations"))):
                part = part["toolInvocation"] if isinstance(part.get("toolInvocation"), dict) else part
                call_id, state = part.get("toolCallId"), part.get("state")
                if isinstance(call_id, str) and (state in RESULTS or state == "approval-responded"):
                    found[call_id] = "result" if state in RESULTS else "approval"
    return found


def results_in(message: Message) -> list[str]:
    """The ids of the calls whose results a tool's message has: OpenAI's has one, assistant-ui's may have more."""
    value = message.value
    ids = [value.get("tool_call_id"), *(part.get("toolCallId") for part in _objects(value.get("content")))]
    return [one for one in ids if isinstance(one, str)]


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
