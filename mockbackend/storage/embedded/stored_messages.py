"""The messages in the row of a turn, which may be damaged."""

from __future__ import annotations

from typing import Any

import orjson

from ...messages import Message


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
    if not isinstance(found.get("id"), str) or not isinstance(found.get("turn"), str):
        return False
    parts = found.get("parts")
    return isinstance(parts, list) and all(isinstance(part, dict) and "type" in part for part in parts)
