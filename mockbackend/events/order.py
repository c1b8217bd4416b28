"""Which event may follow which: the table, and the state of one turn by it."""

from __future__ import annotations

from .kinds import (
    DataShown,
    EngineData,
    Event,
    Failed,
    ImageMade,
    Progress,
    ReasoningDelta,
    Source,
    StepEnded,
    StepStarted,
    TextDelta,
    ToolCallDelta,
    ToolCalled,
    ToolCallStarted,
    ToolReturned,
    TurnEnded,
)

# What may follow: from a state, by an event, to a state. Anything else is a bug.
_WITHIN_STEP = (
    *(TextDelta, ReasoningDelta, ImageMade, Source, DataShown, EngineData),
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
