"""An answer in the making: how it is read, and that every way to end keeps the order of events."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mockbackend import events as ev
from mockbackend.events import Event, Order, Usage
from mockbackend.messages import INTERRUPTED
from mockbackend.storage import Turn
from mockbackend.turn.answer import TOO_LONG, Answer, stream_events
from tests.harness.examples import examples


def _answer() -> Answer:
    user: Any = {"id": "u", "role": "user", "turn": "t", "at": 1, "parts": [{"type": "text", "text": "Hi"}]}
    return Answer(Turn("ann", "c", "t", "m", 1, "data", 0, [user]))


async def test_events_are_read_as_they_come_and_what_the_work_raised_is_raised() -> None:
    answer = _answer()

    async def work() -> None:
        for word in ("a", "b"):
            answer.emit(ev.TextDelta(word))
            await asyncio.sleep(0)
        raise ValueError("of the work")

    answer.begin_step()
    read: list[Event] = []
    note = read.append

    async def follow() -> None:
        async for event in stream_events(answer, work):
            note(event)

    with pytest.raises(ValueError, match="of the work"):
        await follow()
    assert read == [ev.StepStarted("m"), ev.TextDelta("a"), ev.TextDelta("b")]


async def test_work_is_ended_with_its_reader() -> None:
    answer = _answer()
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    answer.begin_step()
    events = stream_events(answer, work)
    async for _ in events:
        await asyncio.sleep(0)
        break
    await events.aclose()  # type: ignore[attr-defined]
    assert ended.is_set()


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
