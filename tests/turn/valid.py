"""What every stored conversation must be, whatever has happened to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

FINISHED = "result"


def check_conversation(read: Mapping[str, Any], expected: Callable[[str], str | None] | None = None) -> None:
    """AssertionError where a settled conversation, as GET /conversations/{id} gives it, is not valid.

    `expected` tells the whole answer to a user's message, or None; what is stored must be a beginning of it.
    """
    messages = read["messages"]
    assert read["message_count"] == len(messages), "message_count is not the number of messages"
    roles = [message["role"] for message in messages]
    assert roles == ["user", "assistant"] * (len(roles) // 2), f"roles are {roles}"
    ids = [message["id"] for message in messages]
    assert len(set(ids)) == len(ids), "two messages have one id"
    for question, answer in zip(messages[::2], messages[1::2], strict=True):
        check_answer(answer)
        assert question["content"], "a user's message is empty"
        whole, text = expected(question["content"]) if expected else None, answer["content"]
        if whole is not None:
            assert whole.startswith(text), f"{text[-80:]!r} is no beginning of the answer to {question['content']!r}"
            if not is_incomplete(answer):
                assert text == whole, f"the answer to {question['content']!r} is marked complete and is not"


def check_answer(answer: Mapping[str, Any]) -> None:
    """AssertionError where an assistant's message has a tool call without its result."""
    calls = [part["toolInvocation"] for part in answer["parts"] if part["type"] == "tool-invocation"]
    assert calls == answer.get("toolInvocations", [])
    for call in calls:
        assert call["state"] == FINISHED, f"a call is in state {call['state']}"
        assert "result" in call, "a call has no result"
        assert isinstance(call["args"], dict), "a call's arguments are no object"
    assert len({call["toolCallId"] for call in calls}) == len(calls), "two calls have one id"


def is_incomplete(answer: Mapping[str, Any]) -> bool:
    """Whether a message is marked so."""
    return any(one["type"] == "incomplete" for one in answer.get("annotations", []))
