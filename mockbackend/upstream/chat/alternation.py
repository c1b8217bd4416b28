"""The order of messages that the strictest chat template takes, those of Gemma, Mistral and Qwen for instance.

One system message comes first, then user and assistant in turn; results follow their calls, and nothing is empty. Users
may write twice, answers may fail before their first word or end after a tool's result: what is missing is filled in.
A user's messages are not joined: each was a question of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Wire = dict[str, Any]

NO_ANSWER = "[No answer was given.]"
NO_QUESTION = "[The assistant speaks first.]"
NO_WORDS = "[A message without words.]"


def system_messages(texts: Iterable[str]) -> list[Wire]:
    """The system message that says all of these; none if they say nothing."""
    text = "\n\n".join(text for text in texts if text.strip())
    return [{"role": "system", "content": text}] if text else []


def in_turn(messages: Iterable[Wire]) -> list[Wire]:
    """The messages, none of which is empty or a system message, made to take turns and to end with a question."""
    ordered: list[Wire] = []
    before = None
    for message in messages:
        role = message["role"]
        if role == "user" and before in ("user", "tool"):
            ordered.append({"role": "assistant", "content": NO_ANSWER})
        elif role == "assistant" and before is None:
            ordered.append({"role": "user", "content": NO_QUESTION})
        elif role == "assistant" and before == "assistant":
            words = [one["content"] for one in (ordered.pop(), message) if one["content"]]
            message = {**message, "content": "\n\n".join(words)}
        ordered.append(message)
        before = role
    if before not in ("user", "tool"):
        ordered.append({"role": "user", "content": NO_WORDS})
    return ordered
