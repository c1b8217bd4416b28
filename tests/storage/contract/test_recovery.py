"""Turns whose process is dead: taken over once, and settled with whatever is left of them."""

from __future__ import annotations

import asyncio
import logging

import pytest

from mockbackend.storage import Storage, Turn
from tests.storage.contract.acts import (
    SPENT,
    answer,
    at_most,
    begin,
    begun,
    conversation_of_two,
    end,
    found,
    log_of,
    message,
    ran,
    row_of,
    running,
    texts,
    turn_of,
)
from tests.storage.contract.engines import Engine


async def test_no_turn_of_a_living_process_is_taken_over(storage: Storage, other: Storage) -> None:
    await begun(storage, turn_of())
    assert not await other.turns.take_over(await running(other))
    assert (await running(storage)).is_ours
    # One of its own it may: its run has been lost.
    assert await storage.turns.take_over(await running(storage))


async def test_a_turn_of_a_dead_process_is_taken_over_once(engine: Engine, storage: Storage, other: Storage) -> None:
    third = await engine.open()
    await begun(storage, turn_of())
    await storage.turns.write_logs([(turn_of(), b"[1]", SPENT)])
    await engine.crash(storage)
    seen = {id(one): await running(one) for one in (other, third)}
    taken = await asyncio.gather(*(one.turns.take_over(seen[id(one)]) for one in (other, third)))
    assert sorted(taken) == [False, True]
    heir, late = (other, third) if taken[0] else (third, other)
    assert not await late.turns.take_over(seen[id(late)])
    mine = await running(heir)
    assert (mine.turn, mine.log, mine.is_ours, mine.is_alive) == (turn_of(), b"[1]", True, True)
    assert ((await running(late)).is_ours, (await running(late)).is_alive) == (False, True)
    await end(heir, mine.turn)
    assert not await late.turns.take_over(seen[id(late)])
    assert not await heir.turns.take_over(mine)
    assert await texts(late) == ["t1?", "t1!"]


async def test_a_turn_that_is_over_is_not_taken_over_instead_of_the_next(
    engine: Engine, storage: Storage, other: Storage
) -> None:
    await begun(storage, turn_of())
    stale = await running(other)
    await end(storage, turn_of())
    await begun(storage, turn_of("t2", base_length=2))
    await engine.crash(storage)
    assert not await other.turns.take_over(stale)
    assert (await running(other)).turn.turn_id == "t2"


async def test_who_takes_over_may_die_too(engine: Engine, storage: Storage, other: Storage) -> None:
    await ran(storage, turn_of())
    await begun(storage, turn_of("t2", base_length=2))
    await engine.crash(storage)
    assert await other.turns.take_over(await running(other))
    await engine.crash(other)
    third = await engine.open()
    left = await running(third)
    assert not left.is_alive
    assert await third.turns.take_over(left)
    await end(third, left.turn)
    assert await texts(third) == ["t1?", "t1!", "t2?", "t2!"]


@pytest.mark.sampled(4)
@pytest.mark.parametrize("base_length", [0, 2, 4])
@pytest.mark.parametrize("by_claim", [False, True])
async def test_an_end_that_a_crash_cut_is_done_once(
    engine: Engine, storage: Storage, other: Storage, base_length: int, *, by_claim: bool
) -> None:
    await conversation_of_two(storage)
    before = await row_of(storage)
    turn = turn_of("t3", base_length=base_length)
    if by_claim:
        assert await storage.turns.claim(turn, before, "Hello", with_base=True, limits=at_most(20))
    else:
        await begun(storage, turn)
    await engine.crash_in_end(storage, turn, answer(turn))
    left = await running(other)
    assert (left.turn, left.is_alive) == (turn, False)
    assert await other.turns.take_over(left)
    await other.turns.end(turn, [message("assistant", "t3", "cut")], b"[]", SPENT)
    # What the dead one has written stays, where it has.
    said = await texts(other)
    assert said[:-1] == [*["t1?", "t1!", "t2?", "t2!"][:base_length], "t3?"]
    assert said[-1] in ("t3!", "cut")
    row = await row_of(other)
    assert (row.message_count, row.version) == (base_length + 2, before.version + 1)
    assert await found(other, said[-1]) == ["c"]
    assert await found(other, "t2") == (["c"] if base_length == 4 else [])
    await ran(other, turn_of("t4", base_length=base_length + 2))
    assert await texts(other) == [*said, "t4?", "t4!"]


async def test_a_crash_before_the_end_leaves_the_history_as_it_was(
    engine: Engine, storage: Storage, other: Storage
) -> None:
    await conversation_of_two(storage)
    row = await row_of(storage)
    await begun(storage, turn_of("t3"))
    await engine.crash(storage)
    assert await texts(other) == ["t1?", "t1!", "t2?", "t2!"]
    # Until it is settled, nothing else begins.
    assert await begin(other, turn_of("t4", base_length=4)) == (row, None)


async def test_a_turn_that_was_given_up_is_anybodys(storage: Storage, other: Storage) -> None:
    turns = [turn_of(f"t{number}", f"c{number}") for number in range(2)]
    for turn in turns:
        await begun(storage, turn)
        await storage.turns.give_up(turn, b"[1]", SPENT)
        await storage.turns.write_logs([(turn, b"[2]", SPENT)])
    assert (await storage.turns.beat()).to_stop == []
    for one, turn in zip((storage, other), turns, strict=True):
        left = await running(one, turn.conversation_id)
        assert (left.turn, left.log, left.is_ours, left.is_alive) == (turn, b"[1]", False, False)
        assert await one.turns.take_over(left)
        await end(one, turn)
        assert await texts(storage, turn.conversation_id) == [f"{turn.turn_id}?", f"{turn.turn_id}!"]


async def test_giving_up_a_turn_that_is_over_changes_nothing(storage: Storage) -> None:
    turn = await ran(storage, turn_of())
    await storage.turns.give_up(turn, b"[1]", SPENT)
    assert await storage.turns.running("c") is None
    assert await log_of(storage, turn) == (b"[]", True)


async def left_damaged(engine: Engine, storage: Storage) -> list[Turn]:
    """The turns of a process that died, the first one's row damaged."""
    turns = [turn_of("t2", base_length=2), turn_of("t3", "d"), turn_of("t4", "e")]
    for turn in turns:
        await begun(storage, turn)
    await engine.crash(storage)
    await engine.damage_turn("c")
    return turns


async def test_a_damaged_row_is_left_out_and_the_others_come(
    engine: Engine, storage: Storage, other: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    await ran(storage, turn_of())
    _, *whole = await left_damaged(engine, storage)
    with caplog.at_level(logging.ERROR):
        assert {running.turn.turn_id for running in await other.turns.unfinished()} == {"t3", "t4"}
    assert "t2" in caplog.text
    for turn in whole:
        assert await other.turns.take_over(await running(other, turn.conversation_id))
        await end(other, turn)
    assert await texts(other, "e") == ["t4?", "t4!"]


async def test_a_conversation_goes_on_after_a_damaged_row(
    engine: Engine, storage: Storage, other: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    await ran(storage, turn_of())
    row = await row_of(storage)
    await left_damaged(engine, storage)
    with caplog.at_level(logging.ERROR):
        assert await other.turns.running("c") is None
    assert "t2" in caplog.text
    assert await other.turns.running("c") is None
    assert await row_of(other) == row
    await ran(other, turn_of("t5", base_length=2))
    assert await texts(other) == ["t1?", "t1!", "t5?", "t5!"]
