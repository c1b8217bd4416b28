"""How turns end: what the history is then, and what every process knows of those that run."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from mockbackend.storage import Storage
from tests.storage.contract.acts import (
    SPENT,
    answer,
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


async def test_the_history_is_the_base_and_what_is_new(storage: Storage, other: Storage) -> None:
    await ran(storage, turn_of())
    before = await row_of(storage)
    turn = replace(
        turn_of("t2", base_length=2), new_messages=[message("user", "t2", "one"), message("user", "t2", "two")]
    )
    await begun(storage, turn)
    answers = [message("assistant", "t2", "three"), message("assistant", "t2", "four")]
    await storage.turns.end(turn, answers, b"[]", SPENT)
    history = [*turn_of().new_messages, *answer(turn_of()), *turn.new_messages, *answers]
    for one in (storage, other):
        assert await one.history.read("c") == history
        row = await row_of(one)
        assert row == replace(before, message_count=6, version=2, updated_at=row.updated_at)
        assert row.updated_at >= before.updated_at
        assert await one.turns.running("c") is None
        assert await found(one, "four") == ["c"]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("base_length", [0, 2, 4])
async def test_what_follows_the_base_is_replaced(storage: Storage, other: Storage, base_length: int) -> None:
    await conversation_of_two(storage)
    await ran(other, turn_of("t3", base_length=base_length))
    assert await texts(storage) == [*["t1?", "t1!", "t2?", "t2!"][:base_length], "t3?", "t3!"]
    assert (await row_of(storage)).message_count == base_length + 2
    assert await found(storage, "t2") == (["c"] if base_length == 4 else [])


@pytest.mark.parametrize("with_base", [True, False])
async def test_a_turn_may_end_that_asked_for_no_base(storage: Storage, *, with_base: bool) -> None:
    await conversation_of_two(storage)
    turn = turn_of("t3", base_length=2)
    await begin(storage, turn, with_base=with_base)
    await end(storage, turn)
    assert await texts(storage) == ["t1?", "t1!", "t3?", "t3!"]


async def test_a_second_end_changes_nothing(storage: Storage) -> None:
    turn = await ran(storage, turn_of())
    row = await row_of(storage)
    await storage.turns.end(turn, [message("assistant", "t1", "again")], b"[1]", SPENT)
    assert await texts(storage) == ["t1?", "t1!"]
    assert await row_of(storage) == row
    assert await log_of(storage, turn) == (b"[]", True)


async def test_an_end_that_comes_after_the_next_turn_changes_nothing(storage: Storage, other: Storage) -> None:
    turn = await ran(storage, turn_of())
    # It is answered again: nothing of the first is left.
    await begun(other, turn_of("t2"))
    await end(storage, turn)
    assert (await running(storage)).turn.turn_id == "t2"
    await end(other, turn_of("t2"))
    row = await row_of(storage)
    await end(storage, turn)
    assert await texts(storage) == ["t2?", "t2!"]
    assert await row_of(storage) == row


@pytest.mark.slow
async def test_many_end_at_once(storage: Storage, other: Storage) -> None:
    stores = [storage, other] * 10
    turns = [turn_of(f"t{number}", f"c{number}") for number in range(20)]
    await asyncio.gather(*(ran(one, turn) for one, turn in zip(stores, turns, strict=True)))
    for turn in turns:
        assert await texts(other, turn.conversation_id) == [f"{turn.turn_id}?", f"{turn.turn_id}!"]


async def test_a_store_that_is_closed_finishes_what_is_under_way(
    engine: Engine, storage: Storage, other: Storage
) -> None:
    await ran(storage, turn_of())
    turn = turn_of("t2", base_length=2)
    await begun(storage, turn)
    ending = asyncio.create_task(end(storage, turn))
    beginning = asyncio.create_task(begin(storage, turn_of("t3", base_length=4)))
    await asyncio.sleep(0)
    closing = asyncio.create_task(engine.stop(storage))
    await ending
    assert await texts(other) == ["t1?", "t1!", "t2?", "t2!"]
    _, claim = await beginning
    assert claim is not None
    await closing
    left = await running(other)
    assert (left.turn, left.is_alive) == (claim.turn, False)


async def test_a_turn_is_known_in_every_process(engine: Engine, storage: Storage, other: Storage) -> None:
    turn = turn_of()
    await begun(storage, turn)
    await begun(other, turn_of("t2", "d", userid="bob"))
    await storage.turns.write_logs([(turn, b'[["TextDelta",{"text":"\xc3\x9f"}]]', SPENT)])
    ours, theirs = await running(storage), await running(other)
    assert (ours.turn, ours.is_ours, ours.is_alive) == (turn, True, True)
    assert (theirs.turn, theirs.is_ours, theirs.is_alive) == (turn, False, True)
    assert ours.log == theirs.log == b'[["TextDelta",{"text":"\xc3\x9f"}]]'
    assert ours.stop_requested is theirs.stop_requested is False
    for one in (storage, other):
        unfinished = {running.turn.turn_id: running for running in await one.turns.unfinished()}
        assert set(unfinished) == {"t1", "t2"}
        assert unfinished["t1"] == await running(one)
        assert await one.turns.running("none") is None
    assert (await storage.turns.recoverable(), await other.turns.recoverable()) == (["c"], ["d"])
    await engine.crash(storage)
    assert sorted(await other.turns.recoverable()) == ["c", "d"]
    left = await running(other)
    assert left == replace(theirs, is_alive=False)
    assert {running.turn.turn_id: running.is_alive for running in await other.turns.unfinished()} == {
        "t1": False,
        "t2": True,
    }
