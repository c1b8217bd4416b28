"""The messages of a request as they are stored, and what the turn spends at least."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from ..estimates import BYTES_PER_TOKEN
from ..messages import Message, Part
from ..mock import drawn
from ..storage import Spent
from .request import ChatRequest, SentMessage


def made_message(sent: SentMessage, turn_id: str, at: int, parts: list[Part]) -> Message:
    """The message of a turn, with these attachments."""
    words: list[Part] = [{"type": "text", "text": sent.text}] if sent.text else []
    message: Message = {
        "id": sent.id or drawn.uuid().hex,
        "role": sent.role,
        "turn": turn_id,
        "at": at,
        "parts": words + parts if sent.role == "user" else [{"type": "step"}, *words],
    }
    if sent.documents:
        message["documents"] = list(sent.documents)
    return message


def made_messages(request: ChatRequest, new: Callable[[int], Message]) -> list[Message]:
    """All messages of the request, each made by `new`."""
    return _distinct([new(index) for index in range(len(request.messages))])


def estimate(request: ChatRequest) -> Spent:
    """What the turn spends at least, as far as it shows before its history is read."""
    match request.mode:
        case "chat":
            return Spent(0 if request.goes_on else 1, len(request.text) // BYTES_PER_TOKEN + 1)
        case "image":
            return Spent(1, images=1)
        case mode:
            assert_never(mode)


def _distinct(messages: list[Message]) -> list[Message]:
    """The messages, each with a unique id: ids say where a later message goes."""
    by_id: dict[str, Message] = {}
    for message in messages:
        by_id[message["id"] if message["id"] not in by_id else drawn.uuid().hex] = message
    return [{**message, "id": message_id} for message_id, message in by_id.items()]
