"""A turn that waits is over, with a mark in its conversation's row; one that goes on has what was said in its log."""

from __future__ import annotations

import dataclasses

from mockbackend.events import StepEnded, StepStarted, ToolCalled, Usage, dump
from mockbackend.messages import Part
from mockbackend.storage import ClaimLimits, DayLimits, Spent
from tests.storage.contract.acts import answer, begun, ran, turn_of
from tests.storage.contract.engines import Engine

OPEN: Part = {"type": "tool", "id": "1", "name": "form", "args": {}, "client": True}
OPENING = dump([StepStarted("t1-assistant"), ToolCalled("1", "form", {}), StepEnded("tool-calls", Usage())])


async def test_a_conversation_waits_until_its_next_turn_has_ended(engine: Engine) -> None:
    storage = await engine.open()
    turn = turn_of()
    await begun(storage, turn)
    await storage.turns.end(turn, answer(turn, OPEN), b"[]", Spent(1))
    row = await storage.conversations.get("ann", "c")
    assert row is not None
    assert row.is_waiting
    onward = dataclasses.replace(turn_of("t2"), opening=OPENING, turns=0)
    await begun(storage, onward)
    await storage.turns.end(onward, answer(onward), b"[]", Spent())
    row = await storage.conversations.get("ann", "c")
    assert row is not None
    assert (row.is_waiting, row.message_count) == (False, 2)


async def test_the_claim_writes_the_opening_and_another_process_finds_it(engine: Engine) -> None:
    storage, other = await engine.open(), await engine.open()
    await begun(storage, dataclasses.replace(turn_of(), opening=OPENING, turns=0))
    for one in (storage, other):
        running = await one.turns.running("c")
        assert running is not None
        assert running.log == OPENING
        assert running.spent.turns == 0
    assert running is not None
    followed = await other.turns.follow(running.turn).read()
    assert followed is not None
    assert followed.log == OPENING
    await engine.crash(storage)
    running = await other.turns.running("c")
    assert running is not None
    assert await other.turns.take_over(running)
    assert running.log == OPENING


async def test_a_log_that_grows_begins_with_the_opening(engine: Engine) -> None:
    storage = await engine.open()
    turn = dataclasses.replace(turn_of(), opening=OPENING, turns=0)
    await begun(storage, turn)
    more = OPENING[:-1] + b',["TextDelta",{"text":"a"}]]'
    await storage.turns.write_logs([(turn, more, Spent())])
    running = await storage.turns.running("c")
    assert running is not None
    assert running.log == more


async def test_a_turn_that_goes_on_is_no_further_turn_of_the_day(engine: Engine) -> None:
    storage = await engine.open()
    turn = turn_of()
    await ran(storage, turn)
    onward = dataclasses.replace(turn_of("t2"), opening=OPENING, turns=0)
    limits = ClaimLimits(20, 10_000, DayLimits(turns=1), Spent(0, 1))
    _, claim = await storage.turns.begin(
        *("ann", "c", "Hello", lambda _: onward), limits=limits, with_base=False, window=None
    )
    assert claim is not None
    assert (await storage.spending.of_day("ann", turn.day)).turns == 1
    await storage.turns.end(onward, answer(onward), b"[]", Spent())
    assert (await storage.spending.of_day("ann", turn.day)).turns == 1
