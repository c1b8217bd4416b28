"""Which event may follow which: the table, and the state of one turn by it."""

from __future__ import annotations

from .kinds import (
    ApprovalAsked,
    ApprovalGiven,
    DataShown,
    EngineData,
    Event,
    Failed,
    ImageMade,
    Progress,
    ReasoningDelta,
    ResultAwaited,
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
    *(ToolCallStarted, ToolCallDelta, ToolCalled, ToolReturned, ResultAwaited, ApprovalAsked, ApprovalGiven),
)
# What comes of calls that a step left open, once their client has answered.
_WAITING = (ApprovalGiven, ToolReturned, ImageMade, Source, DataShown, Progress, Failed)
ORDER: dict[str, dict[type, str]] = {
    "idle": {StepStarted: "step"},
    "step": {**dict.fromkeys(_WITHIN_STEP, "step"), Progress: "step", Failed: "failed", StepEnded: "between"},
    "failed": {StepEnded: "between"},
    "between": {StepStarted: "step", Progress: "between", Failed: "between", TurnEnded: "over"},
    # After a step that left calls open.
    "waiting": {**dict.fromkeys(_WAITING, "waiting"), StepStarted: "step", TurnEnded: "over"},
    "over": {},
}
# Of one tool call, by its id.
CALL_ORDER: dict[str | None, dict[type, str]] = {
    None: {ToolCallStarted: "arguments", ToolCalled: "called"},
    "arguments": {ToolCallDelta: "arguments", ToolCalled: "called"},
    "called": {ToolReturned: "returned", ResultAwaited: "open", ApprovalAsked: "asked"},
    "open": {ToolReturned: "returned"},
    "asked": {ApprovalGiven: "decided", ToolReturned: "returned"},
    "decided": {ToolReturned: "returned"},
    "returned": {},
}


OF_CALL = (ToolCallStarted, ToolCallDelta, ToolCalled, ResultAwaited, ApprovalAsked, ApprovalGiven, ToolReturned)
# Most events are these.
WORDS = frozenset({TextDelta, ReasoningDelta})
# The states of a call that waits for its client.
OPEN = ("open", "asked")


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
        if kind in WORDS:
            pass  # nothing else depends on them
        elif isinstance(event, OF_CALL):
            before = self.calls.get(event.call_id)
            after = CALL_ORDER[before].get(kind)
            if after is None:
                raise OrderError(f"{kind.__name__} may not come for a call in state {before}")
            self.calls[event.call_id] = after
        elif kind is StepEnded and (pending := self.pending_calls()):
            if any(self.calls[call_id] not in OPEN for call_id in pending):
                raise OrderError(f"StepEnded may not come before the results of {pending}")
            state = "waiting"
        elif kind is StepStarted and (pending := self.pending_calls()):
            raise OrderError(f"StepStarted may not come before the results of {pending}")
        self.state = state

    def open_calls(self) -> list[str]:
        """The ids of calls that wait for their client."""
        return [call_id for call_id, state in self.calls.items() if state in OPEN]

    def is_approved(self, call_id: str) -> bool:
        """Whether the user has said yes to that call, or no, and it has no result."""
        return self.calls.get(call_id) == "decided"

    def pending_calls(self) -> list[str]:
        """The ids of calls that have no result yet."""
        return [call_id for call_id, state in self.calls.items() if state != "returned"]
