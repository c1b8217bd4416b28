"""Estimates of what a request takes: of tokens, where the model has not counted them, and of messages.

They are a third of the UTF-8 bytes, which is too many for English and about right for most other text; an image counts
as 1,100.
"""

from __future__ import annotations

from typing import assert_never

from .messages import Message

BYTES_PER_TOKEN = 3
IMAGE_TOKENS = 1_100


def estimated_tokens(message: Message) -> int:
    """Roughly how many tokens a message takes in the request."""
    total = 4
    for part in message["parts"]:
        match part["type"]:
            case "text" | "attachment":
                total += len(part["text"].encode()) // BYTES_PER_TOKEN + 1
            case "tool":
                total += (len(str(part["args"])) + len(str(part.get("result")))) // BYTES_PER_TOKEN + 20
            case "picture" if message["role"] == "user":
                total += IMAGE_TOKENS
            case "engine":
                total += len(str(part["data"])) // BYTES_PER_TOKEN
            case "picture" | "reasoning" | "step" | "source" | "data":
                pass  # not sent, or seldom
            case _:
                assert_never(part)
    return total


def sent_messages(message: Message) -> int:
    """How many messages of a request it can become: each step of an answer is one, and each result of a tool."""
    if message["role"] == "user":
        return 1
    return sum(part["type"] in ("step", "tool") for part in message["parts"])
