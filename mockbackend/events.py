"""What can happen in a turn: one frozen class for each thing, and the table of which may follow which.

Events know neither the model API they come from nor the wire they go to. `joined` and `dump`/`load` give the
turn's log: the same events with neighbouring text joined, as JSON.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, TypeVar, get_origin, get_type_hints

import orjson

T = TypeVar("T")
FinishReason: TypeAlias = Literal["stop", "length", "content-filter", "tool-calls", "error", "other"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the model counted them; zeros if it reported nothing."""

    prompt: int = 0
    completion: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.prompt + other.prompt, self.completion + other.completion)


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A model call begins. The same message id in every step of a turn."""

    message_id: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    """Words of the answer, as the upstream cut them; never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """Words of the model's reasoning; never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallStarted:
    """The model begins a tool call; its arguments follow."""

    call_id: str
    name: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A fragment of the arguments' JSON."""

    call_id: str
    fragment: str


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """A complete tool call; its arguments are a JSON object."""

    call_id: str
    name: str
    args: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolReturned:
    """The result of a tool call, any JSON. With `failed`, the reason why there is no result."""

    call_id: str
    result: Any
    failed: bool = False


@dataclass(frozen=True, slots=True)
class ImageMade:
    """A generated image: its token in the store, and the prompt as the model revised it."""

    token: str
    revised_prompt: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A document that the answer draws on. `place` is in words (`page 3`), or empty for the whole document.

    A page of the web that the engine cites has a `url`, and its title as the name; it is no file of the service.
    """

    file_id: str
    name: str
    media_type: str
    place: str = ""
    url: str = ""

    @property
    def id(self) -> str:
        """The id of this place in the document, the same every time."""
        return self.url or (f"{self.file_id}#{self.place}" if self.place else self.file_id)


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of something slow: `kind` says of what, as on the wire; `data` how far."""

    kind: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EngineData:
    """What the model API wants back with the message of this step; nobody else reads it.

    Several in one step add up, by their keys.
    """

    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A model call and its tools are done."""

    finish_reason: FinishReason
    usage: Usage


@dataclass(frozen=True, slots=True)
class Failed:
    """The turn's failure; the message is safe to show."""

    message: str


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The turn's end, which is stored. Nothing follows."""

    finish_reason: FinishReason
    usage: Usage


Event: TypeAlias = (
    StepStarted
    | TextDelta
    | ReasoningDelta
    | ToolCallStarted
    | ToolCallDelta
    | ToolCalled
    | ToolReturned
    | ImageMade
    | Source
    | Progress
    | EngineData
    | StepEnded
    | Failed
    | TurnEnded
)

# What the model says. The first of it ends the wait of those who read.
OUTPUT = (TextDelta, ReasoningDelta, ToolCallStarted, ImageMade)

# What may follow: from a state, by an event, to a state. Anything else is a bug.
_WITHIN_STEP = (
    *(TextDelta, ReasoningDelta, ImageMade, Source, EngineData),
    *(ToolCallStarted, ToolCallDelta, ToolCalled, ToolReturned),
)
ORDER: dict[str, dict[type, str]] = {
    "idle": {StepStarted: "step"},
    "step": {**dict.fromkeys(_WITHIN_STEP, "step"), Progress: "step", Failed: "failed", StepEnded: "between"},
    "failed": {StepEnded: "between"},
    "between": {StepStarted: "step", Progress: "between", Failed: "between", TurnEnded: "over"},
    "over": {},
}
# Of one tool call, by its id.
CALL_ORDER: dict[str | None, dict[type, str]] = {
    None: {ToolCallStarted: "arguments", ToolCalled: "called"},
    "arguments": {ToolCallDelta: "arguments", ToolCalled: "called"},
    "called": {ToolReturned: "returned"},
    "returned": {},
}


class OrderError(Exception):
    """An event that may not follow what came before: a bug in this service."""


class Order:
    """The state of one turn's events; `follow` raises OrderError on what may not come next."""

    def __init__(self) -> None:
        self.state = "idle"
        self.calls: dict[str, str] = {}

    def follow(self, event: Event) -> None:
        """Take the next event."""
        kind = type(event)
        state = ORDER[self.state].get(kind)
        if state is None:
            raise OrderError(f"{kind.__name__} may not come in state {self.state}")
        if isinstance(event, ToolCallStarted | ToolCallDelta | ToolCalled | ToolReturned):
            before = self.calls.get(event.call_id)
            after = CALL_ORDER[before].get(kind)
            if after is None:
                raise OrderError(f"{kind.__name__} may not come for a call in state {before}")
            self.calls[event.call_id] = after
        elif kind is StepEnded and (pending := self.pending_calls()):
            raise OrderError(f"StepEnded may not come before the results of {pending}")
        self.state = state

    def pending_calls(self) -> list[str]:
        """The ids of calls that have no result yet."""
        return [call_id for call_id, state in self.calls.items() if state != "returned"]


# The events that are fragments of something longer, and the field of each that holds the fragment.
DELTAS: dict[type[Event], str] = {TextDelta: "text", ReasoningDelta: "text", ToolCallDelta: "fragment"}


def joined(events: Iterable[Event]) -> list[Event]:
    """The same events with neighbouring deltas joined, as a turn's log has them."""
    result: list[Event] = []
    fragments: list[str] = []
    last: Event | None = None

    def flush() -> None:
        if last is not None:
            whole: Any = {DELTAS[type(last)]: "".join(fragments)} if fragments else {}
            result.append(replace(last, **whole))
        fragments.clear()

    for event in events:
        if not _continues(last, event):
            flush()
        if (field := DELTAS.get(type(event))) is not None:
            fragments.append(getattr(event, field))
        last = event
    flush()
    return result


def _continues(last: Event | None, event: Event) -> bool:
    """Whether a delta goes on with what the last one was part of; those of a tool call name the call."""
    of_call = getattr(event, "call_id", None) == getattr(last, "call_id", None)
    return type(event) in DELTAS and type(event) is type(last) and of_call


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
