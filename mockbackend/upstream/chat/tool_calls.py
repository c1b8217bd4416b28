"""The tool calls of one completion, put together from their fragments."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from ...events import Event, ToolCallDelta, ToolCalled, ToolCallStarted
from ...mock import drawn

# A model may invent a name that the API does not take: with such a call in the history, it refuses every later request.
NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")
MAX_NAME_LENGTH = 64
# Arguments and results are sent and stored within other JSON, and orjson writes 254 levels.
MAX_DEPTH = 200


@dataclass(slots=True)
class Call:
    """A tool call in fragments. `id` is unique in the conversation; `arguments` is JSON once all have come."""

    id: str
    upstream_id: str | None
    name: str
    arguments: str = ""


class ToolCalls:
    """The calls so far. `emit` takes their events; `taken_ids` are the ids of earlier calls."""

    def __init__(self, emit: Callable[[Event], None], taken_ids: set[str]) -> None:
        self._emit = emit
        self._taken_ids = taken_ids
        self._calls: list[Call] = []
        self._by_index: dict[int, Call] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def take(self, fragment: dict[str, Any]) -> None:
        """Take the next fragment. Raises AttributeError, TypeError or ValueError if it is malformed."""
        function = fragment.get("function") or {}
        upstream_id = fragment.get("id") or None
        if not isinstance(upstream_id, str | None):
            raise TypeError("the id of a tool call must be a string")
        index = int(fragment.get("index") or 0)
        call = self._by_index.get(index)
        # Some engines send no index, or always 0: a new id, with a name, starts another call.
        if call is None or (upstream_id and upstream_id != call.upstream_id and function.get("name")):
            name = NOT_IN_NAMES.sub("_", function.get("name") or "unnamed")[:MAX_NAME_LENGTH]
            call = self._by_index[index] = Call(self._call_id(upstream_id), upstream_id, name)
            self._calls.append(call)
            self._emit(ToolCallStarted(call.id, call.name))
        if arguments := function.get("arguments"):
            call.arguments += arguments
            self._emit(ToolCallDelta(call.id, arguments))

    def _call_id(self, upstream_id: str | None) -> str:
        # Some engines use the same ids in every answer; a client would take the calls for one.
        call_id = upstream_id if upstream_id and upstream_id not in self._taken_ids else f"call_{drawn.uuid().hex}"
        self._taken_ids.add(call_id)
        return call_id

    def parsed(self) -> list[tuple[ToolCalled, str | None]]:
        """The calls, in order, each with what is wrong with its arguments, if anything is."""
        return [_parsed(call) for call in self._calls]


def _parsed(call: Call) -> tuple[ToolCalled, str | None]:
    try:
        args = orjson.loads(call.arguments or "{}")
    except orjson.JSONDecodeError as error:
        return ToolCalled(call.id, call.name, {}), f"The arguments are not valid JSON: {error}"
    if not isinstance(args, dict):
        return ToolCalled(call.id, call.name, {}), "The arguments are not a JSON object."
    if is_too_deep(args):
        return ToolCalled(call.id, call.name, {}), "The arguments are nested too deeply."
    return ToolCalled(call.id, call.name, args), None


def is_too_deep(value: object) -> bool:
    """Whether a JSON value is nested too deeply for sending and storing it."""
    level = [value]
    for _ in range(MAX_DEPTH):
        inner = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)]
        level = [item for items in inner for item in items]
        if not level:
            return False
    return True
