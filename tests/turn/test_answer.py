"""An answer in the making: how it is read, and that every way to end keeps the order of events."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mockbackend import events as ev
from mockbackend.events import Event, Order, Usage
from mockbackend.messages import INTERRUPTED
from mockbackend.storage import Turn
from mockbackend.turn.answer import TOO_LONG, Answer
from tests.harness.examples import examples


def _answer() -> Answer:
    user: Any = {"id": "u", "role": "user", "turn": "t", "at": 1, "parts": [{"type": "text", "text": "Hi"}]}
    return Answer(Turn("ann", "c", "t", "m", 1, "data", 0, [user]))


def test_listeners_hear_of_each_event_once_it_is_there() -> None:
    answer = _answer()
    heard: list[tuple[Event, int]] = []
    answer.listeners.append(lambda event: heard.append((event, len(answer.events))))
    answer.begin_step()
    answer.emit(ev.TextDelta("a"))
    with pytest.raises(ev.OrderError):
        answer.emit(ev.ToolReturned("c1", "of no call"))
    assert heard == [(ev.StepStarted("m"), 1), (ev.TextDelta("a"), 2)]


class AnswerMachine(RuleBasedStateMachine):
    """Any answer, ended in any way at any time: the order table holds, and what is stored is valid."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = _answer()
        self.calls = 0
        self.expected = Usage()

    @property
    def _order(self) -> Order:
        return self.answer._order

    def _open(self) -> bool:
        return self.answer.finish is None and self._order.state == "step"

    def _may_begin(self) -> bool:
        return self.answer.finish is None and self._order.state in ("idle", "between")

    def _calls(self, state: str) -> list[str]:
        return [call for call, now in self._order.calls.items() if now == state]

    @precondition(_may_begin)
    @rule()
    def begin(self) -> None:
        self.answer.begin_step()

    @precondition(_open)
    @rule(text=st.text(min_size=1, max_size=3), reasoning=st.booleans())
    def say(self, text: str, reasoning: bool) -> None:
        self.answer.emit(ev.ReasoningDelta(text) if reasoning else ev.TextDelta(text))

    @precondition(_open)
    @rule()
    def call(self) -> None:
        self.calls += 1
        self.answer.emit(ev.ToolCallStarted(f"c{self.calls}", "tool"))

    @precondition(lambda self: self._open() and self._calls("arguments"))
    @rule(whole=st.booleans())
    def argue(self, whole: bool) -> None:
        call = self._calls("arguments")[0]
        self.answer.emit(ev.ToolCalled(call, "tool", {"a": 1}) if whole else ev.ToolCallDelta(call, "{"))

    @precondition(lambda self: self._open() and self._calls("called"))
    @rule()
    def give_back(self) -> None:
        self.answer.emit(ev.ToolReturned(self._calls("called")[0], "result"))

    @precondition(_open)
    @rule()
    def draw(self) -> None:
        self.answer.emit(ev.ImageMade("token"))

    @precondition(lambda self: self._open() and not self._order.pending_calls())
    @rule(reason=st.sampled_from(["stop", "length", "tool-calls", "content-filter"]), tokens=st.integers(0, 5))
    def end(self, reason: Any, tokens: int) -> None:
        self.answer.end_step(reason, Usage(tokens, 1))
        self.expected += Usage(tokens, 1)

    @precondition(lambda self: self.answer.finish is None)
    @rule(how=st.sampled_from(["fail", "stop", "too long"]))
    def break_off(self, how: str) -> None:
        if how == "fail":
            self.answer.fail("It failed.")
        else:
            self.answer.stop.request(TOO_LONG if how == "too long" else "stopped")
            self.answer.end_stopped()
        assert self.answer.finish == ("stop" if how == "stop" else "error")
        assert not self.answer.complete

    @precondition(lambda self: self.answer.finish is not None)
    @rule()
    def stay_over(self) -> None:
        """Nothing more may come, and what is stored stays what it is."""
        assert self.answer.message() == self.answer.message()

    @invariant()
    def what_is_stored_is_valid(self) -> None:
        answer = self.answer
        order = Order()
        for event in answer.events:
            order.follow(event)
        assert answer.usage == self.expected
        said = answer.message()
        assert all("result" in part for part in said["parts"] if part["type"] == "tool")
        assert said.get("incomplete", False) == (not answer.complete)
        if answer.finish is not None:
            # It is over: nothing is open, and the last line may follow.
            assert order.pending_calls() == []
            order.follow(ev.TurnEnded(answer.finish, answer.usage))
            cut = [event for event in answer.events if isinstance(event, ev.ToolReturned) and event.failed]
            assert all(event.result == {"error": INTERRUPTED} for event in cut)


TestAnyAnswer = AnswerMachine.TestCase
TestAnyAnswer.settings = settings(max_examples=examples(80), stateful_step_count=25)
