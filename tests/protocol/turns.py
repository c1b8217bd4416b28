"""Random turns: random events, of which those are kept that the order allows, and a valid end."""

from __future__ import annotations

import contextlib
import dataclasses

from hypothesis import strategies as st

from mockbackend import events as ev
from mockbackend.events import Event, Order, OrderError, Usage
from mockbackend.messages import INTERRUPTED
from tests.event_cases import any_event

MESSAGE = "msg-1"
_ids = st.sampled_from(["call-1", "call-2", "call-3"])


@st.composite
def any_turn(draw: st.DrawFn) -> list[Event]:
    """The events of a turn as a run would emit them."""
    order = Order()
    said: list[Event] = []
    names: dict[str, str] = {}

    def say(event: Event) -> None:
        with contextlib.suppress(OrderError):
            order.follow(event)
            said.append(event)

    def close_calls() -> None:
        for call_id in order.pending_calls():
            say(ev.ToolCalled(call_id, names[call_id], {}))
            say(ev.ToolReturned(call_id, {"error": INTERRUPTED}, failed=True))

    say(ev.StepStarted(MESSAGE))
    for event in draw(st.lists(any_event, max_size=30)):
        match event:
            case ev.StepStarted():
                say(ev.StepStarted(MESSAGE))
            case ev.ToolCallStarted() | ev.ToolCalled():
                call_id = draw(_ids)
                say(dataclasses.replace(event, call_id=call_id, name=names.setdefault(call_id, event.name)))
            case ev.ApprovalAsked() | ev.ApprovalGiven():
                continue  # only where the client can
            case ev.ToolCallDelta() | ev.ToolReturned() | ev.ResultAwaited():
                say(dataclasses.replace(event, call_id=draw(_ids)))
            case ev.Failed():
                close_calls()
                say(event)
                break
            case ev.TurnEnded():
                break
            case _:
                say(event)
    close_calls()
    say(ev.StepEnded("stop", Usage(1, 2)))
    say(ev.TurnEnded("stop", Usage(3, 4)))
    assert order.state == "over"
    return said
