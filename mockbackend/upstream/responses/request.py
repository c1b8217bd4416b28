"""The request of a chat completion as one for a response.

What a model has refused is learned by the names that chat has, so a request is translated last, and a refusal first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import openai

from .sealed import SealedReasoning

Wire = dict[str, Any]

ENCRYPTED = "reasoning.encrypted_content"
# What a response is asked for beyond a chat completion, under names that a chat's request would have.
OPTIONS: Wire = {"store": False, "include": [ENCRYPTED], "reasoning_summary": "auto"}
# The parameters of chat that have another name here, or are part of an object.
NAMES = {
    "max_completion_tokens": "max_output_tokens",
    "max_tokens": "max_output_tokens",
    "messages": "input",
    "reasoning_effort": "reasoning.effort",
    "reasoning_summary": "reasoning.summary",
}
# An answer may always have that many.
FEWEST_TOKENS = 16
UNUSED = ("stream_options",)


def response_request(request: Wire, sealed: SealedReasoning) -> Wire:
    """The request as the Responses API takes it."""
    translated: Wire = {}
    for name, value in request.items():
        match name:
            case "messages":
                system = None
                items: list[Wire] = []
                for message in value:
                    if message["role"] == "system" and not items and system is None:
                        system = message["content"]
                    else:
                        items += _items(message, sealed if "include" in request else None)
                translated |= {"instructions": system, "input": items} if system else {"input": items}
            case "tools":
                translated["tools"] = [_tool(tool["function"]) for tool in value]
            case "max_completion_tokens" | "max_tokens":
                translated["max_output_tokens"] = max(value, FEWEST_TOKENS)
            case "reasoning_effort" | "reasoning_summary":
                translated.setdefault("reasoning", {})[name.removeprefix("reasoning_")] = value
            case _ if name not in UNUSED:
                translated[name] = value
    return translated


def _items(message: Mapping[str, Any], sealed: SealedReasoning | None) -> Iterator[Wire]:
    """The items that a message consists of."""
    match message["role"]:
        case "tool":
            yield {
                "type": "function_call_output",
                "call_id": message["tool_call_id"],
                "output": message["content"],
            }
        case "assistant":
            calls = message.get("tool_calls") or ()
            if sealed and calls:
                yield from sealed.before(calls[0]["id"])
            if content := message.get("content"):
                yield {
                    "type": "message",
                    "role": "assistant",
                    "content": [{"type": "output_text", "text": content}],
                }
            for call in calls:
                # Without the item's own id, which would ask for the reasoning that once stood before it.
                yield {"type": "function_call", "call_id": call["id"], **_named(call["function"])}
        case role:
            yield {"type": "message", "role": role, "content": _content(message["content"])}


def _named(function: Mapping[str, Any]) -> Wire:
    return {"name": function["name"], "arguments": function["arguments"]}


def _content(content: str | list[Wire]) -> list[Wire]:
    parts: list[Wire] = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [
        {"type": "input_text", "text": part["text"]}
        if part["type"] == "text"
        else {"type": "input_image", "image_url": part["image_url"]["url"]}
        for part in parts
    ]


def _tool(function: Mapping[str, Any]) -> Wire:
    # Unless it says so, a function is strict here, and its schema would have to be.
    return {"type": "function", "strict": False, **function}


def rename_refused(error: openai.APIStatusError, request: Wire) -> None:
    """Give the parameter that is refused the name that it has in `request`, the chat's."""
    body = error.body
    if not isinstance(body, dict) or error.status_code not in (400, 422):
        return
    refused = str(body.get("param") or "")
    if body.get("code") == "invalid_encrypted_content":
        # It was sealed by another deployment, or its key has changed: it is neither sent nor asked for again.
        refused, body = "include", {**body, "code": "unsupported_parameter"}
    for name, theirs in NAMES.items():
        if name in request and refused in (theirs, theirs.partition(".")[0]):
            refused = name
            break
    if refused in OPTIONS and not body.get("code"):
        body = {**body, "code": "unsupported_parameter"}
    error.body = {**body, "param": refused or None}
