"""Calls of clients for the verdict: what the journal has of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Entry = Mapping[str, Any]
LOGIN = {"authorization": "***"}


def call(on: str = "chat", at: float = 0, *, took: float | None = 0.1, **fields: Any) -> dict[str, Any]:
    """A call of a front end that began `at` seconds, and that was answered unless `fields` say otherwise."""
    path = {"chat": "/chat", "join": "/chat/trip/stream", "conversations": "/conversations/trip"}.get(on, f"/{on}")
    method = "POST" if on in ("chat", "stop") else "GET"
    entry = {"side": "front", "on": on, "method": method, "path": path, "status": 200, "state": "done", "body": None}
    times = {"at": round(at * 1000), "ended_at": None if took is None else round((at + took) * 1000)}
    headers = {"userid": "ada", **fields.pop("headers", {})}
    return {**entry, **times, "turn": None, "rule": None, "scenario": "s", "headers": headers, **fields}


def said(*texts: str, id: str | None = "trip", at: float = 0, **fields: Any) -> dict[str, Any]:  # noqa: A002
    """A list of messages, of the user and the assistant by turns, that began a turn."""
    roles = ("user", "assistant")
    messages = [{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)]
    return call(at=at, body={"id": id, "messages": messages, **fields.pop("more", {})}, **fields)


def of_model(at: float = 0, **fields: Any) -> dict[str, Any]:
    return call(at=at, **{"side": "model", "path": "/openai/v1/chat/completions", "rule": 0, **fields})


def of_user(user: str, **fields: Any) -> dict[str, Any]:
    """A call of a program that names its user as OpenAI has it."""
    return of_model(body={"user": user, "messages": []}, headers={"userid": ""}, **fields)


def of_items(*items: Any, at: float = 0, **fields: Any) -> dict[str, Any]:
    """A call of the Responses API."""
    asked = {"role": "user", "content": [{"type": "input_text", "text": "hi"}]}
    return of_model(at, path="/openai/v1/responses", body={"input": [asked, *items]}, **fields)


def with_parts(at: float = 0, to: str = "trip", **message: Any) -> dict[str, Any]:
    """A list of one message, as the AI SDK sends it."""
    parts = [{"type": "text", "text": "hi"}]
    return call(at=at, body={"id": to, "messages": [{"role": "user", "parts": parts, **message}]})


def assistant(**message: Any) -> dict[str, Any]:
    """A list whose assistant's message has these parts."""
    hi, more = ({"role": "user", "content": text} for text in ("hi", "more"))
    return call(body={"id": "trip", "messages": [hi, {"role": "assistant", **message}, more]})


def left_open(waits_for: str | None = "result", *more: str, **fields: Any) -> dict[str, Any]:
    """A turn whose answer has a tool call `c`, which waits, and may have others."""
    ids = {"c": waits_for, **dict.fromkeys(more, waits_for)}
    calls = [{"id": one, "name": "ask_form", "waits_for": what} for one, what in ids.items()]
    return said("hi", tool_calls=calls, **fields)


def with_call(how: str, *more: Any, at: float = 5, ids: Sequence[str] = ("c",), **fields: Any) -> dict[str, Any]:
    """A list whose answer has tool calls in that state, as AI SDK 6 sends it, and what comes after it."""
    parts = [
        {"type": "tool-ask_form", "toolCallId": one, "state": how, "approval": {"id": "a", "approved": True}}
        for one in ids
    ]
    messages = [{"id": "u-1", "role": "user", "content": "hi"}, {"role": "assistant", "parts": parts}, *more]
    return call(at=at, body={"id": fields.pop("to", "trip"), "messages": messages}, **fields)


def result(*ids: str) -> dict[str, Any]:
    """A tool's message as assistant-ui sends it."""
    return {"role": "tool", "content": [{"type": "tool-result", "toolCallId": one, "output": {}} for one in ids]}


MORE: dict[str, Any] = {"id": "u-2", "role": "user", "content": "more"}
DONE: dict[str, Any] = {"tool_calls": [{"id": "c", "name": "ask_form", "waits_for": None}]}
DENIED: dict[str, Any] = {"status": 422}
BUSY: dict[str, Any] = {"status": 429, "retry_after": 1.0}
UI = {"trigger": "submit-message"}
