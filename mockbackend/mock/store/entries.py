"""An entry of the journal as the API has it, from its row."""

from __future__ import annotations

from typing import Any

import orjson

# The rule of an entry that `next` gave.
NEXT = -1
COLUMNS = (
    "n, side, kind, turn, method, path, headers, body, status, at, first_byte, ended_at, lines, state, rule,"
    " conversation, retry_after, tool_calls"
)


def entry_of(scenario: str, row: tuple[Any, ...]) -> dict[str, Any]:
    """The entry that a row of these columns is."""
    n, side, kind, turn, method, path, headers, body, status, at, first_byte, ended_at, lines, state, *others = row
    rule, conversation, retry_after, tool_calls = others
    return {
        "n": n,
        "side": side,
        "on": kind,
        "turn": turn,
        "conversation": conversation,
        "method": method,
        "path": path,
        "headers": orjson.loads(headers),
        "body": _body(body),
        "status": status,
        "retry_after": retry_after,
        "at": at,
        "first_byte": first_byte,
        "ended_at": ended_at,
        "lines": lines,
        "tool_calls": orjson.loads(tool_calls) if tool_calls else [],
        "state": state,
        "rule": "next" if rule == NEXT else rule,
        "scenario": scenario,
    }


def _body(stored: bytes | None) -> Any:
    """A body as JSON if it is, else as text."""
    if stored is None:
        return None
    try:
        return orjson.loads(stored)
    except orjson.JSONDecodeError:
        return stored.decode(errors="replace")
