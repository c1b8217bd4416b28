"""Mistral: content in parts, calls whole, and a strict reading of requests."""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from ....mock import drawn
from ...gateway.errors import ArgumentRefused, AzureError, ContextTooLong, OwnWords
from ..answer import Answer, Names, Reasoning, Text
from ..chunks import Chunk, Phase
from ..request import ChatRequest
from .dialect import Dialect, Document, EngineError, header, message_of, usage_of, whole_calls, without_thinking

PARAMETERS = frozenset(
    {
        "frequency_penalty",
        "guardrails",
        "max_tokens",
        "messages",
        "metadata",
        "model",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_mode",
        "random_seed",
        "reasoning_effort",
        "response_format",
        "safe_prompt",
        "stop",
        "stream",
        "temperature",
        "tool_choice",
        "tools",
        "top_p",
    }
)
FIELDS = frozenset({"role", "content", "tool_calls", "tool_call_id", "name", "prefix"})
CALL_ID = re.compile(r"[a-zA-Z0-9]{9}")
# Which roles may follow a role. Those that its models' templates refuse, it refuses in the templates' words.
FOLLOWING: Mapping[str, tuple[str, ...]] = {
    "system": ("system", "user", "assistant"),
    "user": ("assistant",),
    "assistant": ("user", "tool"),
    "tool": ("assistant", "tool"),
}
ALTERNATING = (
    "After the optional system message, conversation roles must alternate user and assistant roles except for tool "
    "calls and results."
)
# Where in a request something unknown stands, and its value.
Unknown = tuple[tuple[object, ...], object]
FINISHES = {"content_filter": "error", "function_call": "tool_calls"}
# Type, code and words of an error with a status of its own.
STATUSES: Mapping[int, tuple[str, str | None, str]] = {
    401: ("invalid_request_error", None, "Unauthorized"),
    403: ("invalid_request_error", None, "Forbidden"),
    404: ("invalid_model", "1500", "Invalid model"),
    408: ("request_timeout", None, "Request timed out"),
    429: ("rate_limited", "1300", "Rate limit exceeded"),
    503: ("service_unavailable", "3505", "Service unavailable."),
}
FAILED = ("internal_server_error", "3700", "Internal server error")


def _read(body: Mapping[str, object]) -> Mapping[str, object]:
    messages = body.get("messages")
    listed: list[Any] = messages if isinstance(messages, list) else []
    unknown: list[Unknown] = [(("body", name), value) for name, value in body.items() if name not in PARAMETERS]
    for index, message in enumerate(listed):
        fields = message.items() if isinstance(message, dict) else ()
        role = message.get("role") if isinstance(message, dict) else None
        unknown += [(("body", "messages", index, role, name), value) for name, value in fields if name not in FIELDS]
    if unknown:
        raise _unprocessable(unknown)
    spoken = [message for message in listed if isinstance(message, dict)]
    _check_roles([str(message.get("role")) for message in spoken], spoken)
    _check_call_ids(spoken)
    return without_thinking(body)


def _check_roles(roles: list[str], messages: list[Any]) -> None:
    for before, role in pairwise(roles):
        if before == role and role in ("user", "assistant"):
            raise _refusal(400, ALTERNATING, "invalid_request_message_order", "3230")
        if role not in FOLLOWING.get(before, FOLLOWING) and role in FOLLOWING:
            words = f"Unexpected role '{role}' after role '{before}'"
            raise _refusal(400, words, "invalid_request_message_order", "3230")
    if roles and roles[-1] == "assistant" and messages[-1].get("prefix") is not True:
        words = "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant"
        raise _refusal(400, words, "invalid_request_message_order", "3230")


def _check_call_ids(messages: list[Any]) -> None:
    for message in messages:
        calls = message.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            name = call.get("id") if isinstance(call, dict) else None
            if isinstance(name, str) and not CALL_ID.fullmatch(name):
                words = f"Tool call id was {name} but must be a-z, A-Z, 0-9, with a length of 9."
                raise _refusal(400, words, "invalid_function_call", "3280")


def _check(request: ChatRequest) -> None:
    """Nothing is left to refuse."""


def _chunks(answer: Answer, include_usage: bool) -> Iterator[Chunk]:
    head = header(answer, "chat.completion.chunk")
    yield Chunk(Phase.ROLE, _choice({"role": "assistant", "content": ""}), head)
    in_parts = bool(answer.reasoning)
    for delta in answer.deltas:
        if isinstance(delta, Reasoning):
            yield Chunk(Phase.DELTA, _choice({"content": [_thinking(delta.text)]}), head)
        elif isinstance(delta, Text):
            said = [{"type": "text", "text": delta.text}] if in_parts else delta.text
            yield Chunk(Phase.DELTA, _choice({"content": said}), head)
    last: Document = {"content": ""}
    if calls := _calls(answer):
        last["tool_calls"] = calls
    yield Chunk(Phase.FINISH, _choice(last, _finish(answer)), {**head, "usage": usage_of(answer)})


def _completion(answer: Answer) -> Document:
    content: object = answer.text
    if answer.reasoning:
        content = [_thinking(answer.reasoning), *([{"type": "text", "text": answer.text}] if answer.text else [])]
    message = {"role": "assistant", "content": content, "tool_calls": _calls(answer) or None}
    choices = [
        {"index": index, "message": message, "finish_reason": _finish(answer)} for index in range(answer.choices)
    ]
    return {**header(answer, "chat.completion"), "choices": choices, "usage": usage_of(answer)}


def _choice(delta: Document, finish: str | None = None) -> Document:
    return {"index": 0, "delta": delta, "finish_reason": finish}


def _thinking(text: str) -> Document:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


def _calls(answer: Answer) -> list[Document]:
    return [
        {"id": call.id, "function": {"name": call.name, "arguments": arguments}, "index": call.index}
        for call, arguments in whole_calls(answer)
    ]


def _finish(answer: Answer) -> str:
    return FINISHES.get(answer.finish, answer.finish)


def _error(error: AzureError) -> EngineError:
    match error.cause:
        case ArgumentRefused(name):
            return _unprocessable([(("body", name), None)])
        case ContextTooLong(limit, used):
            words = f"Prompt contains {used} tokens and 0 draft tokens, too large for model with {limit} maximum"
            return _refusal(400, f"{words} context length", "invalid_request_prompt", "3051")
    failed = error.status >= 500 or error.status == 200
    kind, code, words = STATUSES.get(error.status, FAILED if failed else ("invalid_request_error", None, ""))
    if isinstance(error.cause, OwnWords):
        words, code = error.cause.message or words, error.cause.code or code
    return _refusal(error.status, words or message_of(error), kind, code, error.headers)


def _unprocessable(unknown: list[Unknown]) -> EngineError:
    detail = [
        {"type": "extra_forbidden", "loc": list(loc), "msg": "Extra inputs are not permitted", "input": value}
        for loc, value in unknown
    ]
    return _refusal(422, {"detail": detail}, "invalid_request_error", None)


def _refusal(
    status: int, message: object, kind: str, code: str | None, headers: Mapping[str, str] | None = None
) -> EngineError:
    body = {"object": "error", "message": message, "type": kind, "param": None, "code": code}
    return EngineError(status, body, headers)


MISTRAL = Dialect(
    names=Names(lambda: f"cmpl-{drawn.token_hex(16)}", lambda: drawn.token_hex(5)[:9]),
    read=_read,
    check=_check,
    chunks=_chunks,
    completion=_completion,
    error=_error,
)
