"""Events: which may follow which, and the log of a turn."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockbackend.events import (
    ApprovalAsked,
    ApprovalGiven,
    DataShown,
    Event,
    Failed,
    ImageMade,
    Order,
    OrderError,
    Progress,
    ReasoningDelta,
    ResultAwaited,
    StepEnded,
    StepStarted,
    TextDelta,
    ToolCallDelta,
    ToolCalled,
    ToolCallStarted,
    ToolReturned,
    TurnEnded,
    Usage,
    dump,
    joined,
    load,
)
from tests.event_cases import CASES, any_event

start = StepStarted("msg-1")
end = StepEnded("stop", Usage(1, 2))
for_tools = StepEnded("tool-calls", Usage(1, 2))
over = TurnEnded("stop", Usage(1, 2))
failed = Failed("No.")
words = TextDelta("a")
begun = ToolCallStarted("1", "tool")
piece = ToolCallDelta("1", "{}")
called = ToolCalled("1", "tool", {})
returned = ToolReturned("1", None)
waiting = Progress("retry", {"seconds": 1})
image = ImageMade("token")
left, asked, yes = ResultAwaited("1"), ApprovalAsked("1", "a"), ApprovalGiven("1", approved=True)
other, asked_other = ToolCalled("2", "tool", {}), ApprovalAsked("2", "b")
shown = DataShown("chart", "c", [1])

LEGAL: dict[str, list[Event]] = {
    "words": [start, words, words, end, over],
    "no words": [start, end, over],
    "reasoning between words": [start, words, ReasoningDelta("b"), words, end, over],
    "a call as it streams": [start, begun, piece, piece, called, returned, for_tools, start, words, end, over],
    "a call that comes whole": [start, called, returned, for_tools, start, words, end, over],
    "calls side by side": [
        *(start, begun, ToolCallStarted("2", "tool"), piece, ToolCallDelta("2", "{"), ToolCallDelta("1", "}")),
        *(ToolCalled("2", "tool", {}), called, returned, ToolReturned("2", 1), for_tools),
    ],
    "words before a call": [start, words, called, returned, for_tools],
    "a picture": [start, waiting, waiting, image, end, over],
    "a picture of a tool's": [start, called, image, returned, for_tools],
    "data that a tool shows": [start, called, shown, shown, returned, shown, for_tools],
    "a wait between steps": [start, called, returned, for_tools, waiting, start, end, over],
    "a failure within a step": [start, words, failed, end, over],
    "a failure after a step": [start, end, failed, over],
    "a call that is left to the client": [start, called, left, for_tools, over],
    "a result between steps": [start, called, left, for_tools, returned, start, words, end, over],
    "a yes, and what its tool makes": [
        *(start, called, asked, for_tools, yes, image, returned, start, end, over),
    ],
    "a call that nobody answers": [start, called, asked, returned, for_tools],
    "one of two open calls": [start, called, left, other, asked_other, for_tools, returned, over],
    "a failure while it waits": [start, called, left, for_tools, returned, failed, over],
}
ILLEGAL: dict[str, list[Event]] = {
    "words before a step": [words],
    "an end before a step": [end],
    "the end before a step": [over],
    "a failure before a step": [failed],
    "progress before a step": [waiting],
    "a step within a step": [start, start],
    "the end within a step": [start, over],
    "words after a step": [start, end, words],
    "a call between steps": [start, for_tools, called],
    "a picture between steps": [start, end, image],
    "data between steps": [start, end, shown],
    "words after a failure": [start, failed, words],
    "a second failure within a step": [start, failed, failed],
    "the end before a failed step's": [start, failed, over],
    "a step after the end": [start, end, over, start],
    "a second end": [start, end, over, over],
    "a failure after the end": [start, end, over, failed],
    "arguments of no call": [start, piece],
    "a result of no call": [start, returned],
    "a result before the call is whole": [start, begun, piece, returned],
    "arguments after the call is whole": [start, called, piece],
    "a call that starts twice": [start, begun, begun],
    "a call that is whole twice": [start, called, called],
    "a result that comes twice": [start, called, returned, returned],
    "a call's id in two steps": [start, called, returned, for_tools, start, begun],
    "a step's end before a result": [start, called, for_tools],
    "a step's end within a call": [start, begun, end],
    "a step before the open call's result": [start, called, left, for_tools, start],
    "a result between steps of no open call": [start, end, returned],
    "a yes to a call that does not ask": [start, called, left, for_tools, yes],
    "a second yes": [start, called, asked, for_tools, yes, yes],
    "a question about a call that has a result": [start, called, returned, asked],
    "words while it waits": [start, called, left, for_tools, words],
    "a failed step's end before a result": [start, called, failed, end],
}


def follow(events: list[Event]) -> Order:
    order = Order()
    for event in events:
        order.follow(event)
    return order


@pytest.mark.parametrize("name", LEGAL)
def test_this_may_happen(name: str) -> None:
    follow(LEGAL[name])


@pytest.mark.parametrize("name", ILLEGAL)
def test_this_may_not_happen(name: str) -> None:
    *before, last = ILLEGAL[name]
    order = follow(before)
    with pytest.raises(OrderError, match=type(last).__name__):
        order.follow(last)


@pytest.mark.parametrize("name", ILLEGAL)
def test_what_may_not_happen_changes_nothing(name: str) -> None:
    *before, last = ILLEGAL[name]
    order = follow(before)
    state, calls = order.state, dict(order.calls)
    with pytest.raises(OrderError):
        order.follow(last)
    assert (order.state, order.calls) == (state, calls)


def test_pending_calls_are_those_without_a_result() -> None:
    order = follow([start, begun, ToolCalled("2", "tool", {}), ToolCalled("3", "tool", {}), ToolReturned("2", 1)])
    assert order.pending_calls() == ["1", "3"]


def test_neighbouring_words_are_joined_and_others_are_not() -> None:
    a, b = TextDelta("a"), TextDelta("b")
    one, other = ToolCallDelta("1", "{"), ToolCallDelta("2", "}")
    assert joined([a, b, ReasoningDelta("c"), ReasoningDelta("d"), a, start, b]) == [
        *(TextDelta("ab"), ReasoningDelta("cd"), a, start, b),
    ]
    assert joined([one, one, other, one]) == [ToolCallDelta("1", "{{"), other, one]
    assert joined([returned, returned]) == [returned, returned]
    assert joined([]) == []


@pytest.mark.parametrize("name", CASES)
def test_an_event_is_read_from_the_log_as_it_was_written(name: str) -> None:
    assert load(dump([CASES[name]])) == [CASES[name]]


@given(st.lists(any_event))
def test_a_log_holds_its_events(events: list[Event]) -> None:
    assert load(dump(joined(events))) == joined(events)


@given(st.lists(any_event))
def test_joining_twice_changes_nothing(events: list[Event]) -> None:
    assert joined(joined(events)) == joined(events)


@given(st.lists(any_event), st.integers(0, 20))
def test_a_log_written_in_the_middle_goes_on_where_it_was(events: list[Event], cut: int) -> None:
    assert joined([*load(dump(events[:cut])), *events[cut:]]) == joined(events)


@given(st.lists(any_event))
def test_joining_loses_no_words(events: list[Event]) -> None:
    def said(of: list[Event]) -> str:
        return "".join(event.text for event in of if isinstance(event, TextDelta))

    assert said(joined(events)) == said(events)


@given(st.lists(any_event))
def test_what_may_happen_may_happen_joined(events: list[Event]) -> None:
    order, legal = Order(), []
    for event in events:
        try:
            order.follow(event)
        except OrderError:
            continue
        legal.append(event)
    again = follow(joined(legal))
    assert (again.state, again.calls) == (order.state, order.calls)


def test_usage_is_summed() -> None:
    assert Usage(1, 2) + Usage(3, 4) + Usage() == Usage(4, 6)
