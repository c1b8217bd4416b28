"""What a chat request says of tool calls that wait for it, in the shapes of AI SDK 4 to 7, assistant-ui and OpenAI.

Of all that stands beside it in these messages nothing is read: names and arguments of calls are the server's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..errors import unusable
from ..messages import error_text
from ..protocol.assistant_ui.stream import REPEATED
from ..turn.request import AnswerKind, CallAnswer

# assistant-ui's: what it sends as the result of a call that has none (`toGenericMessages` of assistant-stream 0.3.57),
# and what it says for a user who gives no reason for a no.
NOT_COMPLETED = {"error": "Tool call was not completed"}
NO_REASON = {"error": "Tool approval denied"}


def call_answers(sent: list[Any], *, is_listing_a_yes: bool) -> list[CallAnswer]:
    """What the last assistant's message of the list says, and the tool messages after it. Raises ServiceError: 422.

    `is_listing_a_yes`: a call that comes without a result has its user's approval, and an error is a no.
    """
    found: dict[str, CallAnswer] = {}
    for answer in _answers(sent):
        if answer.call_id.endswith(REPEATED):
            continue
        before = found.get(answer.call_id)
        if before is None or before.kind == "listed":
            found[answer.call_id] = answer
        elif answer.kind != "listed" and before != answer:
            raise unusable(f"messages: the tool call {answer.call_id[:100]!r} is answered twice, in two ways.")
    said = [answer for answer in found.values() if _says_anything(answer, is_listing_a_yes)]
    return [replace(answer, is_no=True) if answer.failed and is_listing_a_yes else answer for answer in said]


def _says_anything(answer: CallAnswer, is_listing_a_yes: bool) -> bool:
    if answer.kind == "listed":
        return is_listing_a_yes
    return not (answer.failed and answer.value == NOT_COMPLETED)


def _answers(sent: list[Any]) -> Iterator[CallAnswer]:
    for message in _newest(sent):
        content = message.get("content")
        if message.get("role") == "tool":
            yield from _of_tool(message, content)
            continue
        invocations = message.get("toolInvocations")
        for part in (*_objects(message.get("parts")), *_objects(content), *_objects(invocations)):
            if answer := _of_part(part):
                yield answer


def _newest(sent: list[Any]) -> Iterator[dict[str, Any]]:
    """The last assistant's message and the tool messages that follow it, whatever the user has written after them.

    Where no assistant's message is sent, as with curl, all tool messages.
    """
    last = next((at for at in range(len(sent) - 1, -1, -1) if _role(sent[at]) == "assistant"), 0)
    for message in sent[last:]:
        if _role(message) in ("assistant", "tool"):
            yield message


def _role(message: object) -> object:
    return message.get("role") if isinstance(message, dict) else None


def _objects(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _of_part(part: dict[str, Any]) -> CallAnswer | None:
    """Of a part of an assistant's message; None where it says nothing of a call."""
    kind = part.get("type")
    if kind == "tool-invocation" and isinstance(part.get("toolInvocation"), dict):
        part = part["toolInvocation"]
    call_id = part.get("toolCallId")
    if not isinstance(call_id, str):
        return None
    if kind == "tool-call":
        # assistant-ui's, whose results stand in messages of their own.
        return CallAnswer(call_id, "listed")
    match part.get("state"):
        case "result":
            return CallAnswer(call_id, "result", part.get("result"))
        case "output-available":
            return CallAnswer(call_id, "result", part.get("output"))
        case "output-error":
            return CallAnswer(call_id, "result", {"error": _words(part.get("errorText"))}, failed=True)
        case "approval-responded":
            approval = part.get("approval")
            if not isinstance(approval, dict) or not isinstance(approval.get("approved"), bool):
                raise unusable(f"messages: the approval of the tool call {call_id[:100]!r} must be true or false.")
            answer: AnswerKind = "yes" if approval["approved"] else "no"
            named = approval.get("id")
            reason = _words(approval.get("reason"))
            return CallAnswer(call_id, answer, reason=reason, approval_id=named if isinstance(named, str) else "")
        case "output-denied":
            # What has become of a no.
            return CallAnswer(call_id, "no")
    return None


def _of_tool(message: dict[str, Any], content: object) -> Iterator[CallAnswer]:
    call_id = message.get("tool_call_id")
    if isinstance(call_id, str):
        # OpenAI's own.
        if not isinstance(content, str):
            content = "".join(text for part in _objects(content) if isinstance(text := part.get("text"), str))
        yield CallAnswer(call_id, "result", content)
    for part in _objects(content):
        call_id = part.get("toolCallId")
        if part.get("type") != "tool-result" or not isinstance(call_id, str):
            continue
        output = part.get("output")
        if not isinstance(output, dict) or "type" not in output:
            failed = part.get("isError") is True
            yield _result(call_id, part.get("result", output), failed=failed)
        elif output["type"] == "execution-denied":
            yield _result(call_id, output.get("reason") or "The call was denied.", failed=True)
        else:
            yield _result(call_id, output.get("value"), failed=output["type"] in ("error-json", "error-text"))


def _result(call_id: str, value: object, *, failed: bool) -> CallAnswer:
    if not failed:
        return CallAnswer(call_id, "result", value)
    # Of a tool that asked for approval it is a no.
    error = _words(value)
    reason = "" if value == NO_REASON else error
    return CallAnswer(call_id, "result", {"error": error}, failed=True, reason=reason)


def _words(value: object) -> str:
    """The words of an error, or of the reason for a no, as a client has sent it."""
    return value if isinstance(value, str) else "" if value is None else error_text(value)
