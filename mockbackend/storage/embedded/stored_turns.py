"""The row of a turn, which may be damaged, and the messages in it."""

from __future__ import annotations

import logging
from typing import Any

import orjson

from ...messages import Message, now_ms
from ..values import Turn
from .database import Execute
from .sqlite import integer, text

log = logging.getLogger("mockbackend.storage")

# What each part has, by its type.
_STRINGS: dict[str, tuple[str, ...]] = {
    "text": ("text",),
    "reasoning": ("text",),
    "step": (),
    "tool": ("id", "name"),
    "picture": ("token",),
    "source": ("file_id", "name", "media_type", "place"),
    "attachment": ("name", "media_type", "text"),
}
# No later moment can be written as a date.
_LAST_MS = 253_402_300_799_999


def decode_turn(
    userid: object,
    conversation_id: str,
    turn_id: object,
    message_id: object,
    started_at: object,
    framing: object,
    base_length: object,
    new_messages: object,
) -> Turn:
    """The turn of a row. It has no messages if the row is so damaged that nothing can be made of it."""
    place, name = integer(base_length), text(turn_id)
    is_whole = place == base_length and place >= 0 and name == turn_id and "\ufffd" not in name
    return Turn(
        text(userid),
        conversation_id,
        name,
        text(message_id),
        integer(started_at) if _is_moment(started_at) else now_ms(),
        text(framing),
        place,
        decode_messages(new_messages) if is_whole else [],
    )


def close_damaged(execute: Execute, turn: Turn, owner: object) -> None:
    """Mark a turn as over of which nothing can be made: one row must not close a conversation for ever."""
    log.error(
        "the row of turn %s is damaged: what was said in it is lost; conversation %s is as it was before",
        *(turn.turn_id, turn.conversation_id),
    )
    # Not by the turn's id, which may be what is damaged.
    execute(
        "UPDATE turns SET over_at = ? WHERE conversation_id = ? AND owner IS ? AND over_at IS NULL",
        *(now_ms(), turn.conversation_id, owner),
    )


def decode_messages(stored: object) -> list[Message]:
    """The messages of a turn's row; none if they cannot be read."""
    try:
        messages: Any = orjson.loads(stored)  # type: ignore[arg-type]
    except (orjson.JSONDecodeError, TypeError):
        return []
    return messages if isinstance(messages, list) and all(map(_is_message, messages)) else []


def _is_message(found: Any) -> bool:
    if not isinstance(found, dict) or found.get("role") not in ("user", "assistant"):
        return False
    if not _has(found, ("id", "turn")) or not _is_moment(found.get("at")):
        return False
    parts = found.get("parts")
    return isinstance(parts, list) and all(map(_is_part, parts))


def _is_part(found: Any) -> bool:
    if not isinstance(found, dict) or not isinstance(found.get("type"), str) or found["type"] not in _STRINGS:
        return False
    return _has(found, _STRINGS[found["type"]]) and (found["type"] != "tool" or isinstance(found.get("args"), dict))


def _has(found: dict[str, Any], strings: tuple[str, ...]) -> bool:
    return all(isinstance(found.get(name), str) for name in strings)


def _is_moment(found: object) -> bool:
    return isinstance(found, int) and 0 <= found <= _LAST_MS
