"""A stored answer as events again: they make the same message, in an order that may be."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mockbackend import events as ev
from mockbackend.events import Event, Order, Usage
from mockbackend.messages import Message, Part, answer_events, answer_message, answer_parts, open_calls
from mockbackend.turn.going_on import closed
from tests.protocol.turns import MESSAGE, any_turn


def message_of(turn: list[Event]) -> Message:
    """The stored answer of these events."""
    return answer_message(MESSAGE, "turn", 0, turn, complete=True)


def parts_of(found: list[Part]) -> list[dict[str, Any]]:
    """The parts, neighbouring words as one: what passes between them leaves no part."""
    joined: list[dict[str, Any]] = []
    for part in found:
        if joined and part["type"] in ("text", "reasoning") and joined[-1]["type"] == part["type"]:
            joined[-1]["text"] += part["text"]
        else:
            joined.append(dict(part))
    return joined


@st.composite
def any_waiting_turn(draw: st.DrawFn) -> list[Event]:
    """A turn whose last step has left calls open, perhaps beside one that its user has refused."""
    turn = [event for event in draw(any_turn()) if not isinstance(event, ev.Failed | ev.TurnEnded)]
    turn.append(ev.StepStarted(MESSAGE))
    for number in range(draw(st.integers(1, 3))):
        call_id = f"open-{number}"
        turn.append(ev.ToolCalled(call_id, "tool", {"number": number}))
        asks = draw(st.booleans())
        turn.append(ev.ApprovalAsked(call_id, f"approval-{number}") if asks else ev.ResultAwaited(call_id))
    reason = draw(st.sampled_from([None, "", "Not to her."]))
    if reason is not None:
        turn += [ev.ToolCalled("refused", "tool", {}), ev.ApprovalAsked("refused", "approval-refused")]
        turn.append(ev.ApprovalGiven("refused", approved=False, reason=reason))
        turn.append(ev.ToolReturned("refused", {"error": "no"}, failed=True))
    return [*turn, ev.StepEnded("tool-calls", Usage(1, 2)), ev.TurnEnded("tool-calls", Usage(1, 2))]


@given(any_waiting_turn(), st.booleans())
def test_its_events_make_the_same_message_in_a_legal_order(turn: list[Event], is_late: bool) -> None:
    message = message_of(turn)
    late = [part["id"] for part in message["parts"] if part["type"] == "tool" and part.get("client") and is_late]
    events = answer_events(message, late)
    order = Order()
    for event in events:
        order.follow(event)
    assert sorted(order.open_calls()) == sorted(call["id"] for call in open_calls(message))
    assert parts_of(answer_parts(events)) == parts_of(message["parts"])
    assert answer_message(MESSAGE, "turn", 0, events, complete=True)["usage"] == message["usage"]


@given(any_waiting_turn())
def test_closed_it_has_no_open_call_and_its_events_make_it_as_well(turn: list[Event]) -> None:
    message = closed(message_of(turn))
    assert open_calls(message) == []
    assert parts_of(answer_parts(answer_events(message))) == parts_of(message["parts"])
