"""Where in the stored history a new user message goes: at the end, or in place of a message edited or regenerated.

1. An id that is in the history: there; what follows is replaced.
2. A list that is the client's whole conversation: by position, if the earlier user messages equal the stored ones.
3. Otherwise at the end; a list sent with a new conversation becomes its history.
"""

from __future__ import annotations

from ..messages import Message, text_of
from .request import ChatRequest


def needs_history(request: ChatRequest) -> bool:
    """Whether the place depends on the stored messages."""
    return request.positional or request.at_message is not None or request.messages[-1].id is not None


def place(request: ChatRequest, history: list[Message]) -> int:
    """How many messages of the history stay, before the new one."""
    for wanted in (request.at_message, request.messages[-1].id):
        for index, message in enumerate(history):
            if wanted is not None and message["id"] == wanted:
                # To regenerate an assistant message means to repeat the user message before it.
                return index if message["role"] == "user" else max(0, index - 1)
    if request.positional and request.messages[-1].id is None:
        return _by_position(request, history)
    return len(history)


def _by_position(request: ChatRequest, history: list[Message]) -> int:
    sent = [message.text for message in request.messages if message.role == "user"]
    stored = [(index, message) for index, message in enumerate(history) if message["role"] == "user"]
    earlier = sent[:-1]
    if len(earlier) < len(stored) and earlier == [text_of(message) for _, message in stored[: len(earlier)]]:
        return stored[len(earlier)][0]
    return len(history)
