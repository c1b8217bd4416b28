"""The context window: the newest turns of a long history, as many as the model can read.

The history itself always stays whole. Tokens are estimated as a third of the UTF-8 bytes, which is too many for English
and about right for most other text; an image counts as 1,100. A quarter of the window is left for the answer.
"""

from __future__ import annotations

import math
from typing import assert_never

from ..messages import Message

# Azure takes 2,048 messages in a request, and system messages come on top of these.
MAX_MESSAGES = 2_000
BYTES_PER_TOKEN = 3
IMAGE_TOKENS = 1_100
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


def estimated_tokens(message: Message) -> int:
    """Roughly how many tokens a message takes in the request."""
    total = 4
    for part in message["parts"]:
        match part["type"]:
            case "text" | "attachment":
                total += len(part["text"].encode()) // BYTES_PER_TOKEN + 1
            case "tool":
                total += (len(str(part["args"])) + len(str(part["result"]))) // BYTES_PER_TOKEN + 20
            case "picture" if message["role"] == "user":
                total += IMAGE_TOKENS
            case "picture" | "reasoning" | "step" | "source":
                pass  # not sent
            case _:
                assert_never(part)
    return total
