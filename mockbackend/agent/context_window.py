"""The context window: the newest turns of a long history, as many as the model can read.

The history itself always stays whole. A quarter of the window is left for the answer.
"""

from __future__ import annotations

import math

from ..estimates import estimated_tokens
from ..messages import Message

# Azure takes 2,048 messages in a request, and system messages come on top of these.
MAX_MESSAGES = 2_000
ANSWER_SHARE = 0.25


def trim(history: list[Message], context_tokens: int | None) -> list[Message]:
    """The newest whole turns that fit; the last one always, since it asks the question. None: tokens have no limit."""
    if context_tokens is None and sum(len(message["parts"]) for message in history) <= MAX_MESSAGES:
        return history
    tokens = math.inf if context_tokens is None else context_tokens * (1 - ANSWER_SHARE)
    messages = MAX_MESSAGES
    start = len(history)
    for index in range(len(history) - 1, -1, -1):
        if context_tokens is not None:
            tokens -= estimated_tokens(history[index])
        messages -= _sent_messages(history[index])
        if (tokens < 0 or messages < 0) and start < len(history):
            break
        # A turn starts with its user's message, and is sent as a whole or not at all.
        if history[index]["role"] == "user":
            start = index
    return history[start:]


def _sent_messages(message: Message) -> int:
    """How many messages of a request it can become: each step of an answer is one, and each result of a tool."""
    if message["role"] == "user":
        return 1
    return sum(part["type"] in ("step", "tool") for part in message["parts"])
