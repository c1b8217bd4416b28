"""An answer in the making: what a stop cancels and leaves, and that every way to end keeps the order of events."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mockbackend import events as ev
from mockbackend.answering import TOO_LONG, Answering, Stop, produced
from mockbackend.events import Event, Order, Usage
from mockbackend.messages import INTERRUPTED


async def _passes() -> None:
    """Nothing cancels this: what comes after a scope is not hit by what happened in it."""
    for _ in range(3):
        await asyncio.sleep(0)


async def _within(stop: Stop, log: list[str]) -> str:
    async with stop.scope():
        log.append("began")
        await asyncio.Event().wait()
    log.append("after")
    await _passes()
    return "done"


async def test_a_stop_ends_the_work_within_its_scope_and_nothing_after_it() -> None:
    stop, log = Stop(), list[str]()
    task = asyncio.create_task(_within(stop, log))
    await asyncio.sleep(0)
    stop.request("stopped")
    assert await task == "done"
    assert log == ["began", "after"]
    assert task.cancelling() == 0


async def test_only_the_first_reason_counts_and_the_work_is_cancelled_once() -> None:
    stop = Stop()
    seen: list[str] = []

    async def work() -> None:
        async with stop.scope():
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                seen.append("cancelled")
                # Its cleaning up is not cancelled by a second request.
                await _passes()
                raise

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    stop.request("stopped")
    await asyncio.sleep(0)
    stop.request("gone")
    await task
    assert (stop.reason, seen) == ("stopped", ["cancelled"])


async def test_a_stop_that_came_first_ends_the_work_at_its_first_wait() -> None:
    stop, log = Stop(), list[str]()
    stop.request("stopped")
    assert await asyncio.wait_for(_within(stop, log), 5) == "done"


async def test_work_that_never_waits_is_not_hit_afterwards() -> None:
    stop = Stop()
    stop.request("stopped")
    async with stop.scope():
        pass
    await _passes()
    inside = Stop()
    async with inside.scope():
        inside.request("stopped")
    await _passes()


async def test_an_error_of_the_work_goes_on_and_the_cancelling_does_not() -> None:
    stop = Stop()

    async def work() -> None:
        async with stop.scope():
            stop.request("stopped")
            raise ValueError("of the work")

    with pytest.raises(ValueError, match="of the work"):
        await work()
    await _passes()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_anothers_cancelling_goes_through() -> None:
    stop, log = Stop(), list[str]()
    task = asyncio.create_task(_within(stop, log))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["began"]


@pytest.mark.parametrize("first", ["stop", "other"])
async def test_anothers_cancelling_goes_through_beside_a_stop(first: str) -> None:
    stop, log = Stop(), list[str]()
    task = asyncio.create_task(_within(stop, log))
    await asyncio.sleep(0)
    if first == "stop":
        stop.request("stopped")
        task.cancel()
    else:
        task.cancel()
        stop.request("stopped")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["began"]


async def test_anothers_cancelling_is_not_lost_where_the_work_had_ended() -> None:
    stop = Stop()

    async def work() -> None:
        task = asyncio.current_task()
        assert task is not None
        async with stop.scope():
            stop.request("stopped")
            task.cancel()
        await _passes()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(work())


async def test_a_time_limit_around_a_scope_still_works() -> None:
    stop, log = Stop(), list[str]()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await _within(stop, log)
    assert stop.reason is None


async def test_nested_scopes_end_as_one() -> None:
    stop = Stop()
    log: list[str] = []

    async def work() -> None:
        async with stop.scope():
            async with stop.scope():
                await asyncio.Event().wait()
            log.append("between")
            await asyncio.Event().wait()
        log.append("after")
        await _passes()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    stop.request("stopped")
    await asyncio.wait_for(task, 5)
    assert log == ["after"]


async def test_a_stop_after_an_inner_scope_still_ends_the_outer_one() -> None:
    stop = Stop()
    inner_is_over = asyncio.Event()

    async def work() -> None:
        async with stop.scope():
            async with stop.scope():
                pass
            inner_is_over.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await inner_is_over.wait()
    stop.request("stopped")
    await asyncio.wait_for(task, 5)


async def test_a_stop_ends_every_task_that_is_in_a_scope() -> None:
    stop, log = Stop(), list[str]()
    tasks = [asyncio.create_task(_within(stop, log)) for _ in range(3)]
    await asyncio.sleep(0)
    stop.request("stopped")
    assert await asyncio.gather(*tasks) == ["done"] * 3


def _answering() -> Answering:
    user: Any = {"id": "u", "role": "user", "turn": "t", "at": 1, "parts": [{"type": "text", "text": "Hi"}]}
    return Answering("t", "m", 1, 0, [user])


async def test_events_are_read_as_they_come_and_what_the_work_raised_is_raised() -> None:
    answering = _answering()

    async def work() -> None:
        for word in ("a", "b"):
            answering.emit(ev.TextDelta(word))
            await asyncio.sleep(0)
        raise ValueError("of the work")

    answering.begin_step()
    read: list[Event] = []
    note = read.append

    async def follow() -> None:
        async for event in produced(answering, work):
            note(event)

    with pytest.raises(ValueError, match="of the work"):
        await follow()
    assert read == [ev.StepStarted("m"), ev.TextDelta("a"), ev.TextDelta("b")]


async def test_work_is_ended_with_its_reader() -> None:
    answering = _answering()
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    answering.begin_step()
    events = produced(answering, work)
    async for _ in events:
        await asyncio.sleep(0)
        break
    await events.aclose()  # type: ignore[attr-defined]
    assert ended.is_set()


class AnsweringMachine(RuleBasedStateMachine):
    """Any answer, ended in any way at any time: the order table holds, and what is stored is valid."""

    def __init__(self) -> None:
        super().__init__()
        self.answering = _answering()
        self.calls = 0
        self.expected = Usage()

    @property
    def _order(self) -> Order:
        return self.answering._order

    def _open(self) -> bool:
        return self.answering.finish is None and self._order.state == "step"

    def _may_begin(self) -> bool:
        return self.answering.finish is None and self._order.state in ("idle", "between")

    def _calls(self, state: str) -> list[str]:
        return [call for call, now in self._order.calls.items() if now == state]

    @precondition(_may_begin)
    @rule()
    def begin(self) -> None:
        self.answering.begin_step()

    @precondition(_open)
    @rule(text=st.text(min_size=1, max_size=3), reasoning=st.booleans())
    def say(self, text: str, reasoning: bool) -> None:
        self.answering.emit(ev.ReasoningDelta(text) if reasoning else ev.TextDelta(text))

    @precondition(_open)
    @rule()
    def call(self) -> None:
        self.calls += 1
        self.answering.emit(ev.ToolCallStarted(f"c{self.calls}", "tool"))

    @precondition(lambda self: self._open() and self._calls("arguments"))
    @rule(whole=st.booleans())
    def argue(self, whole: bool) -> None:
        call = self._calls("arguments")[0]
        self.answering.emit(ev.ToolCalled(call, "tool", {"a": 1}) if whole else ev.ToolCallDelta(call, "{"))

    @precondition(lambda self: self._open() and self._calls("called"))
    @rule()
    def give_back(self) -> None:
        self.answering.emit(ev.ToolReturned(self._calls("called")[0], "result"))

    @precondition(_open)
    @rule()
    def draw(self) -> None:
        self.answering.emit(ev.PictureMade("token"))

    @precondition(lambda self: self._open() and not self._order.pending_calls())
    @rule(reason=st.sampled_from(["stop", "length", "tool-calls", "content-filter"]), tokens=st.integers(0, 5))
    def end(self, reason: Any, tokens: int) -> None:
        self.answering.end_step(reason, Usage(tokens, 1))
        self.expected += Usage(tokens, 1)

    @precondition(lambda self: self.answering.finish is None)
    @rule(how=st.sampled_from(["fail", "stop", "too long"]))
    def break_off(self, how: str) -> None:
        if how == "fail":
            self.answering.fail("It failed.")
        else:
            self.answering.stop.request(TOO_LONG if how == "too long" else "stopped")
            self.answering.end_stopped()
        assert self.answering.finish == ("stop" if how == "stop" else "error")
        assert not self.answering.complete

    @precondition(lambda self: self.answering.finish is not None)
    @rule()
    def stay_over(self) -> None:
        """Nothing more may come, and what is stored stays what it is."""
        assert self.answering.fold() == self.answering.fold()

    @invariant()
    def what_is_stored_is_valid(self) -> None:
        answering = self.answering
        order = Order()
        for event in answering.events:
            order.follow(event)
        assert answering.usage == self.expected
        said = answering.fold()["messages"][-1]
        assert all("result" in part for part in said["parts"] if part["type"] == "tool")
        assert said.get("incomplete", False) == (not answering.complete)
        if answering.finish is not None:
            # It is over: nothing is open, and the last line may follow.
            assert order.pending_calls() == []
            order.follow(ev.TurnEnded(answering.finish, answering.usage))
            cut = [event for event in answering.events if isinstance(event, ev.ToolReturned) and event.failed]
            assert all(event.result == {"error": INTERRUPTED} for event in cut)


TestAnyAnswer = AnsweringMachine.TestCase
TestAnyAnswer.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)
