"""Stored messages: a history as a whole, and those that are damaged, with what stands for them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Iterable
from typing import Any

import msgspec
import orjson

from ..messages import Message
from .values import HistoryChanged

_KEYS = {"id", "role", "turn", "at", "parts"}
# What each part has, by its type.
_STRINGS: dict[str, tuple[str, ...]] = {
    "text": ("text",),
    "reasoning": ("text",),
    "step": (),
    "tool": ("id", "name"),
    "picture": ("token",),
    "source": ("file_id", "name", "media_type", "place"),
    "data": ("name", "id"),
    "attachment": ("name", "media_type", "text"),
    "engine": (),
}
_OBJECTS: dict[str, tuple[str, ...]] = {"tool": ("args",), "engine": ("data",)}
# No later moment can be written as a date.
_LAST_MS = 253_402_300_799_999
LARGE_BYTES = 1024 * 1024
UNREADABLE = "(This message is damaged and cannot be read.)"


def decode_messages(stored: object) -> list[Message]:
    """The messages of a turn's row; none if they cannot be read."""
    try:
        messages = _loads(stored)
    except (ValueError, TypeError):
        return []
    return messages if isinstance(messages, list) and all(map(_is_message, messages)) else []


def _loads(stored: Any) -> Any:
    if not isinstance(stored, bytes) or len(stored) <= LARGE_BYTES:
        return orjson.loads(stored)
    # Message by message: while orjson reads one, no other thread runs.
    return [orjson.loads(bytes(message)) for message in msgspec.json.decode(stored, type=list[msgspec.Raw])]


def has_shape(found: Any) -> bool:
    """Whether it has what every message has. All of it is checked only in the rows of turns, which are few."""
    return isinstance(found, dict) and found.keys() >= _KEYS and isinstance(found["parts"], list)


def _is_message(found: Any) -> bool:
    if not isinstance(found, dict) or found.get("role") not in ("user", "assistant"):
        return False
    if not _has(found, ("id", "turn")) or not is_moment(found.get("at")):
        return False
    parts, documents = found.get("parts"), found.get("documents", [])
    return (
        isinstance(parts, list)
        and all(map(_is_part, parts))
        and isinstance(documents, list)
        and all(isinstance(one, dict) and _has(one, ("id", "name")) for one in documents)
    )


def _is_part(found: Any) -> bool:
    if not isinstance(found, dict) or not isinstance(found.get("type"), str) or found["type"] not in _STRINGS:
        return False
    return (
        _has(found, _STRINGS[found["type"]])
        and all(isinstance(found.get(name), dict) for name in _OBJECTS.get(found["type"], ()))
        and isinstance(found.get("url", ""), str)
        and (found["type"] != "data" or "data" in found)
        and isinstance(found.get("approval", {}), dict)
    )


def _has(found: dict[str, Any], strings: tuple[str, ...]) -> bool:
    return all(isinstance(found.get(name), str) for name in strings)


def is_moment(found: object) -> bool:
    """Whether it is a time in integer milliseconds."""
    return isinstance(found, int) and 0 <= found <= _LAST_MS


def shown_images(messages: Iterable[Message], start: int = 0) -> dict[str, int]:
    """The images of these messages, the first of which has that place, each with the place that shows it first."""
    places: dict[str, int] = {}
    for place, message in enumerate(messages, start):
        for part in message["parts"]:
            if part["type"] == "picture":
                places.setdefault(part["token"], place)
    return places


def unreadable(place: int, count: int) -> list[Message]:
    """What stands for `count` messages from that place on, a question and what follows it."""
    return [
        {
            "id": f"unreadable-{place + number}",
            "role": "assistant" if number else "user",
            "turn": "",
            "at": 0,
            "parts": [{"type": "text", "text": UNREADABLE}],
        }
        for number in range(count)
    ]


class WholeHistory(ABC):
    """The contract's History, of which an engine has the pieces."""

    @abstractmethod
    def pieces(self, conversation_id: str, start: int = 0, length: int | None = None) -> AsyncGenerator[list[Message]]:
        """The contract's."""

    async def read(self, conversation_id: str) -> list[Message]:
        """The contract's."""
        while True:
            try:
                return [message async for piece in self.pieces(conversation_id) for message in piece]
            except HistoryChanged:
                continue  # of one state, so from the beginning
