"""The strictest chat template: what it refuses of a list of messages. Every request of the service must pass it.

It is what the templates of Gemma, Mistral and Qwen ask for together, and what the APIs of Azure, Mistral and Anthropic
refuse besides.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import orjson

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
KEYS = {
    "system": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {"role", "content", "tool_calls", "reasoning_content", "reasoning", "reasoning_details"},
    "tool": {"role", "content", "tool_call_id", "name"},
}


def refusals(body: Any) -> list[str]:
    """What is wrong with a chat request's messages; nothing if any template takes them."""
    messages = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(messages, list) or not messages:
        return ["there are no messages"]
    found = [f"messages[{at}]: {said}" for at, message in enumerate(messages) for said in _shape(message)]
    if found:
        return found
    opening = 1 if messages[0]["role"] == "system" else 0
    return [*_turns(messages[opening:]), *_calls(messages)]


def check_request(body: Any) -> None:
    """AssertionError if the strictest template refuses a chat request."""
    found = refusals(body)
    assert not found, f"{found}: {orjson.dumps(body.get('messages'))[:2000]!r}"


def _shape(message: Any) -> list[str]:
    if not isinstance(message, dict) or message.get("role") not in KEYS:
        return ["the role is none that a template knows"]
    role, content, calls = message["role"], message.get("content"), message.get("tool_calls")
    found = [f"{key} is not for a {role}" for key in message.keys() - KEYS[role]]
    if isinstance(content, list):
        if role != "user":
            found.append(f"a list is not for a {role}")
        found += ["a part is empty" for part in content if not _says_something(part)]
    if content is None and calls:
        pass
    elif not content or (isinstance(content, str) and not content.strip()):
        found.append("the content is empty")
    if calls is not None and not calls:
        found.append("tool_calls is empty")
    for call in calls or []:
        if call["type"] != "function" or not NAME.fullmatch(call["function"]["name"]) or not call["id"]:
            found.append(f"the call is not one that an API takes: {call}")
        if not isinstance(orjson.loads(call["function"]["arguments"]), dict):
            found.append("the arguments are not an object")
    return found


def _says_something(part: Any) -> bool:
    return bool(part["text"].strip()) if part["type"] == "text" else part["image_url"]["url"].startswith("data:image/")


def _turns(messages: list[Any]) -> list[str]:
    """What is wrong with the order: users and assistants in turn, as Mistral's template counts them."""
    roles = [one["role"] for one in messages if one["role"] != "tool" and not one.get("tool_calls")]
    found = []
    if roles != ["user", "assistant"] * (len(roles) // 2) + ["user"] * (len(roles) % 2):
        found.append(f"the roles must alternate user/assistant: {roles}")
    for before, after in pairwise(messages):
        if (before["role"], after["role"]) in (("tool", "user"), ("user", "tool")):
            found.append(f"unexpected role {after['role']!r} after role {before['role']!r}")
        if (before["role"], after["role"]) == ("assistant", "assistant"):
            found.append("two assistant messages follow each other")
    if not messages or messages[-1]["role"] not in ("user", "tool"):
        found.append("the last role must be user or tool")
    return found


def _calls(messages: list[Any]) -> list[str]:
    """What is wrong with calls and results: each call is followed by its own."""
    found: list[str] = []
    waiting: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] in waiting:
                waiting.remove(message["tool_call_id"])
            else:
                found.append(f"a result without its call: {message['tool_call_id']}")
            continue
        if waiting:
            found.append(f"calls without results: {waiting}")
        waiting = [call["id"] for call in message.get("tool_calls") or []]
        if len(set(waiting)) != len(waiting):
            found.append(f"two calls have one id: {waiting}")
    return [*found, f"calls without results: {waiting}"] if waiting else found
