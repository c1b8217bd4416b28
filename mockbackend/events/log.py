"""A turn's log: its events with neighbouring text joined (`joined`), as JSON (`dump` and `load`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from typing import Any, Literal, TypeVar, get_origin, get_type_hints

import orjson

from .kinds import Event, ImageMade, ReasoningDelta, TextDelta, ToolCallDelta, Usage
from .order import ORDER

T = TypeVar("T")
# The events that are fragments of something longer, and the field of each that holds the fragment.
DELTAS: dict[type[Event], str] = {TextDelta: "text", ReasoningDelta: "text", ToolCallDelta: "fragment"}


def joined(events: Iterable[Event]) -> list[Event]:
    """The same events with neighbouring deltas joined, as a turn's log has them."""
    result: list[Event] = []
    for whole, group in groupby(events, _whole):
        if whole is None:
            result += group
        else:
            fragments = list(group)
            field = DELTAS[type(fragments[0])]
            joining: Any = {field: "".join(map(attrgetter(field), fragments))}
            result.append(replace(fragments[0], **joining))
    return result


def _whole(event: Event) -> object:
    """What a delta is a fragment of; None for other events. Those of a tool call name the call."""
    kind = type(event)
    return (kind, getattr(event, "call_id", None)) if kind in DELTAS else None


def _runtime_type(hint: Any) -> Any:
    """What `isinstance` can check of a field's type."""
    if hint is Any:
        return object
    origin = get_origin(hint)
    return str if origin is Literal else dict if origin is dict else hint


# A stored log keeps the name that an event had when logs were first written.
_STORED_NAMES: dict[type[Event], str] = {ImageMade: "PictureMade"}
_BY_NAME: dict[str, Any] = {_STORED_NAMES.get(kind, kind.__name__): kind for kinds in ORDER.values() for kind in kinds}


# The type of each field, to tell a log that is damaged.
_TYPES: dict[type, list[tuple[str, Any]]] = {
    kind: [(name, _runtime_type(hint)) for name, hint in get_type_hints(kind).items()]
    for kind in (Usage, *_BY_NAME.values())
}

# What `load` raises for a log that `dump` did not write.
DAMAGED = (ValueError, TypeError, KeyError)


def dump(events: Iterable[Event]) -> bytes:
    """The log of a turn as JSON: a list of [name, fields]. `joined` makes it short."""
    return orjson.dumps([(_STORED_NAMES.get(type(event), type(event).__name__), event) for event in events])


def load(log: bytes) -> list[Event]:
    """The events of a log that `dump` wrote. Raises one of `DAMAGED`."""
    events: list[Event] = []
    for name, fields in orjson.loads(log):
        if "usage" in fields:
            fields["usage"] = _checked(Usage(**fields["usage"]))
        events.append(_checked(_BY_NAME[name](**fields)))
    return events


def _checked(value: T) -> T:
    for name, kind in _TYPES[type(value)]:
        if not isinstance(getattr(value, name), kind):
            raise TypeError(f"{type(value).__name__}.{name} is damaged")
    return value
