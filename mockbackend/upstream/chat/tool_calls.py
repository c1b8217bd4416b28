"""The tool calls of one completion, put together from their fragments."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from ...events import EngineData, Event, ToolCallDelta, ToolCalled, ToolCallStarted
from ...mock import drawn
from .text import Halves

# A model may invent a name that the API does not take: with such a call in the history, it refuses every later request.
NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")
MAX_NAME_LENGTH = 64
OF_A_FUNCTION = {"name", "arguments"}
OF_A_CALL = {"index", "id", "type", "function", *OF_A_FUNCTION}
# Arguments and results are sent and stored within other JSON, and orjson writes 254 levels.
MAX_DEPTH = 200


@dataclass(slots=True)
class Call:
    """A tool call in fragments. `id` is unique in the conversation; `arguments` is JSON once all have come.

    Its event is sent once its name is whole: with the first of its arguments, or at the end.
    """

    id: str
    index: int | None
    upstream_id: str | None = None
    name: str = ""
    arguments: str = ""
    started: bool = False
    halves: Halves = field(default_factory=Halves)
    others: dict[str, Any] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether its arguments could be all."""
        try:
            return bool(self.name) and isinstance(orjson.loads(self.arguments), dict)
        except orjson.JSONDecodeError:
            return False


class ToolCalls:
    """The calls so far. `emit` takes their events; `taken_ids` are the ids of earlier calls."""

    def __init__(self, emit: Callable[[Event], None], taken_ids: set[str]) -> None:
        self._emit = emit
        self._taken_ids = taken_ids
        self._calls: list[Call] = []

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def ids(self) -> list[str]:
        """The calls' ids."""
        return [call.id for call in self._calls]

    @property
    def begun(self) -> bool:
        """Whether anything of them has been emitted."""
        return any(call.started for call in self._calls)

    def take(self, fragment: dict[str, Any]) -> None:
        """Take the next fragment. Raises AttributeError, TypeError or ValueError if it is malformed."""
        function = fragment.get("function") or _bare(fragment)
        upstream_id = _id(fragment.get("id"))
        # A name that is asked for has no blanks around it.
        name, arguments = (function.get("name") or "").strip(), _arguments(function.get("arguments"))
        index = _index(fragment.get("index"))
        call = self._find(index, upstream_id, name, arguments)
        if call is None:
            call = Call(self._unique_id(upstream_id), index, upstream_id)
            self._calls.append(call)
        elif upstream_id and call.upstream_id is None:
            call.upstream_id = upstream_id
            if not call.started:
                call.id = self._unique_id(upstream_id)
        if name and not call.started and name != call.name:
            call.name += name
        self._keep_others(call, fragment, function)
        if arguments and call.name:
            # An empty piece may come with each piece of a name.
            self._start(call)
        if arguments and not (name and call.is_whole):
            self._add_arguments(call, call.halves.whole(arguments))

    def _find(self, index: int | None, upstream_id: str | None, name: str, arguments: str | None) -> Call | None:
        """The call that a fragment belongs to, by index, id or neither; None for a new one."""
        candidates = [call for call in reversed(self._calls) if index is None or call.index == index]
        found = next((call for call in candidates if upstream_id and call.upstream_id == upstream_id), None)
        if found is None and candidates:
            last = candidates[0]
            if upstream_id and last.upstream_id and (name or index is None):
                # Another id, though some engines count none of their calls, or each as 0. But some make up an id for
                # each fragment.
                return None
            if index is None and name and last.name and name != last.name:
                return None
            found = last
        if found is not None and name and found.is_whole:
            # Some engines have one id for all calls; some say a whole call twice.
            is_repeated = name == found.name and arguments in (None, "", found.arguments)
            return found if is_repeated else None
        return found

    def _start(self, call: Call) -> None:
        if call.started:
            return
        call.started = True
        call.name = NOT_IN_NAMES.sub("_", call.name or "unnamed")[:MAX_NAME_LENGTH]
        self._emit(ToolCallStarted(call.id, call.name))
        if call.arguments:
            self._emit(ToolCallDelta(call.id, call.arguments))
        self._emit_others(call)

    def _add_arguments(self, call: Call, text: str) -> None:
        call.arguments += text
        if call.started and text:
            self._emit(ToolCallDelta(call.id, text))

    def _keep_others(self, call: Call, fragment: dict[str, Any], function: dict[str, Any]) -> None:
        """Keep whatever else the engine has put on a call: it may want it back (Gemini's signatures)."""
        if fragment.keys() <= OF_A_CALL and function.keys() <= OF_A_FUNCTION:
            return
        more = fragment.keys() - OF_A_CALL
        call.others.update({key: fragment[key] for key in more if fragment[key] is not None})
        inner = {key: function[key] for key in function.keys() - OF_A_FUNCTION if function[key] is not None}
        if inner:
            call.others["function"] = {**call.others.get("function", {}), **inner}
        if call.started:
            self._emit_others(call)

    def _emit_others(self, call: Call) -> None:
        if call.others and is_storable(call.others):
            self._emit(EngineData({"calls": {call.id: {**call.others}}}))

    def _unique_id(self, upstream_id: str | None) -> str:
        # Some engines use the same ids in every answer; a client would take the calls for one.
        call_id = upstream_id if upstream_id and upstream_id not in self._taken_ids else f"call_{drawn.uuid().hex}"
        self._taken_ids.add(call_id)
        return call_id

    def parsed(self) -> list[tuple[ToolCalled, str | None]]:
        """The calls, in order, each with what is wrong with its arguments, if anything is. All have begun by then."""
        for call in self._calls:
            self._start(call)
            self._add_arguments(call, call.halves.end())
        return [_parsed(call) for call in self._calls]


def _id(value: Any) -> str | None:
    """A call's id as a text; None if it has none."""
    if isinstance(value, dict | list):
        raise TypeError("the id of a tool call must be a string or a number")
    return str(value).encode(errors="replace").decode() if value not in (None, "") else None


def _bare(fragment: dict[str, Any]) -> dict[str, Any]:
    """The function of a call that is not in an object of its own."""
    return {key: fragment[key] for key in OF_A_FUNCTION if key in fragment}


def _arguments(value: Any) -> str | None:
    """A piece of the arguments' JSON; some engines send the object itself."""
    return value if isinstance(value, str | None) else json.dumps(value)


def _index(value: Any) -> int | None:
    return None if value is None else int(value)


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


def is_storable(value: object) -> bool:
    """Whether a JSON value can be stored and sent again."""
    try:
        return not is_too_deep(value) and bool(orjson.dumps(value))
    except TypeError:
        return False


def is_too_deep(value: object) -> bool:
    """Whether a JSON value is nested too deeply for sending and storing it."""
    level = [value]
    for _ in range(MAX_DEPTH):
        inner = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)]
        level = [item for items in inner for item in items]
        if not level:
            return False
    return True
