"""What of a long history is sent: the newest turns that the model can read. Nothing is ever left out of the history.

Tokens are estimated as a third of the UTF-8 bytes, which is too many for English and about right for most else; a
picture counts as 1,100. A quarter of the window is kept for the answer.
"""

from __future__ import annotations

from ..messages import Message

BYTES_PER_TOKEN = 3
PICTURE_TOKENS = 1_100
ANSWER_SHARE = 0.25


def fitting(history: list[Message], context_tokens: int | None) -> list[Message]:
    """The newest whole turns that fit; always the last one, since it is what is asked. None: all of it."""
    if context_tokens is None:
        return history
    room = context_tokens * (1 - ANSWER_SHARE)
    start = len(history)
    for index in range(len(history) - 1, -1, -1):
        room -= estimated_tokens(history[index])
        if room < 0 and start < len(history):
            break
        # A turn begins with its user's message; half a turn is never sent.
        if history[index]["role"] == "user":
            start = index
    return history[start:]


def estimated_tokens(message: Message) -> int:
    """About how many tokens a message is in the request."""
    total = 4
    for part in message["parts"]:
        match part["type"]:
            case "text" | "attachment":
                total += len(part["text"].encode()) // BYTES_PER_TOKEN + 1
            case "tool":
                total += (len(str(part["args"])) + len(str(part["result"]))) // BYTES_PER_TOKEN + 20
            case "picture" if message["role"] == "user":
                total += PICTURE_TOKENS
    return total
