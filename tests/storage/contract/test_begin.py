"""How turns begin: one at a time in a conversation, in whichever process, on the history that they were placed in."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from mockbackend.storage import Conversation, Storage, TooManyTurns, Turn
from tests.harness.examples import examples
from tests.storage.contract.acts import (
    SPENT,
    at_most,
    begin,
    begun,
    end,
    found,
    message,
    ran,
    row_of,
    running,
    texts,
    turn_of,
)
from tests.storage.contract.engines import Engine
from tests.storage.contract.files import made_ready, put


class RefusedError(Exception):
    """What a caller raises where it places a turn."""


def refuse(conversation: Conversation) -> Turn:
    raise RefusedError


async def test_a_turn_is_placed_in_the_settled_row(storage: Storage) -> None:
    seen: list[Conversation] = []

    def place(conversation: Conversation) -> Turn:
        seen.append(conversation)
        return turn_of("t2", base_length=conversation.message_count)

    await ran(storage, turn_of())
    row = await row_of(storage)
    conversation, claim = await storage.turns.begin("ann", "c", "x", place, limits=at_most(1), with_base=True)
    assert set(map(repr, seen)) == {repr(row)}
    assert conversation == row
    assert claim is not None
    assert claim.turn == turn_of("t2", base_length=2)


async def test_what_placing_raises_leaves_nothing(storage: Storage) -> None:
    with pytest.raises(RefusedError):
        await storage.turns.begin("ann", "c", "x", refuse, limits=at_most(1), with_base=True)
    assert await storage.conversations.get("ann", "c") is None
    await ran(storage, turn_of())
    row = await row_of(storage)
    with pytest.raises(RefusedError):
        await storage.turns.begin("ann", "c", "x", refuse, limits=at_most(1), with_base=True)
    assert await storage.turns.running("c") is None
    assert await row_of(storage) == row


async def test_no_turn_need_be_made(storage: Storage, other: Storage) -> None:
    conversation, claim = await storage.turns.begin("ann", "c", "x", lambda _: None, limits=at_most(1), with_base=True)
    assert claim is None
    assert conversation == await row_of(other)
    assert await other.turns.running("c") is None


async def test_nothing_is_placed_in_anothers_conversation(storage: Storage) -> None:
    await ran(storage, turn_of())
    begun_for_bob = await storage.turns.begin("bob", "c", "x", refuse, limits=at_most(1), with_base=True)
    assert begun_for_bob == (None, None)


async def test_no_turn_begins_while_another_runs(storage: Storage, other: Storage) -> None:
    await ran(storage, turn_of())
    row = await row_of(storage)
    await begun(storage, turn_of("t2", base_length=2))
    for one in (storage, other):
        assert await begin(one, turn_of("t3", base_length=2)) == (row, None)
        assert (
            await one.turns.claim(turn_of("t3", base_length=2), row, "x", with_base=False, limits=at_most(20)) is None
        )
    assert (await running(other)).turn.turn_id == "t2"
    await end(storage, turn_of("t2", base_length=2))
    await begun(other, turn_of("t3", base_length=4))


async def test_of_those_that_race_one_begins(storage: Storage, other: Storage) -> None:
    for round_ in range(rounds := max(2, examples(5))):
        turns = [turn_of(f"{round_}-{number}", base_length=round_ * 2) for number in range(6)]
        racing = [begin(one, turn) for turn, one in zip(turns, [storage, other] * 3, strict=True)]
        claims = [claim for _, claim in await asyncio.gather(*racing) if claim]
        (claim,) = claims
        found = await running(storage)
        assert found.turn == claim.turn
        await end(storage if found.is_ours else other, claim.turn)
    assert len(await texts(storage)) == 2 * rounds


async def test_a_claim_needs_the_version_that_its_place_was_found_in(storage: Storage, other: Storage) -> None:
    await ran(storage, turn_of())
    before = await row_of(storage)
    # It is answered again: as long as before, and other words.
    await ran(other, turn_of("t2"))
    placed = turn_of("t3", base_length=2)
    assert await storage.turns.claim(placed, before, "Edited", with_base=True, limits=at_most(20)) is None
    now = await row_of(storage)
    assert (now.message_count, now.title) == (before.message_count, "Hello")
    assert await storage.turns.running("c") is None
    history = await storage.history.read("c")
    claim = await storage.turns.claim(placed, now, "Edited", with_base=True, limits=at_most(20))
    assert claim is not None
    assert (claim.turn, claim.base) == (placed, history)
    await end(storage, placed)
    assert await texts(other) == ["t2?", "t2!", "t3?", "t3!"]


async def test_a_claim_may_cut_the_history_and_name_the_conversation(storage: Storage, other: Storage) -> None:
    await ran(storage, turn_of())
    await ran(storage, turn_of("t2", base_length=2))
    row, history = await row_of(storage), await storage.history.read("c")
    claim = await storage.turns.claim(turn_of("t3", base_length=2), row, "Ärger", with_base=True, limits=at_most(20))
    assert claim is not None
    assert claim.base == history[:2]
    assert (await row_of(other)).title == "Ärger"
    rows = await other.conversations.page("ann", limit=9, after=None, query="ärger")
    assert [found.id for found in rows] == ["c"]
    await end(storage, claim.turn)
    assert await texts(other) == ["t1?", "t1!", "t3?", "t3!"]


async def test_a_claim_brings_the_history_before_it_where_that_is_asked_for(storage: Storage, other: Storage) -> None:
    claim = await begun(storage, turn_of())
    assert (claim.turn, claim.base) == (turn_of(), [])
    await end(storage, turn_of())
    await ran(storage, turn_of("t2", base_length=2))
    history = await storage.history.read("c")
    for base_length in (4, 2, 0):
        turn = turn_of(f"t3-{base_length}", base_length=base_length)
        claim = await begun(other, turn)
        assert claim.base == history[:base_length]
        await end(other, turn)
    turn = turn_of("t4", base_length=2)
    _, without = await begin(storage, turn, with_base=False)
    assert without is not None
    assert without.base == []
    await end(storage, turn)
    assert await texts(other) == ["t3-0?", "t3-0!", "t4?", "t4!"]


async def test_a_claim_says_whether_there_are_documents(storage: Storage, other: Storage) -> None:
    assert not (await begun(storage, turn_of())).has_documents
    await end(storage, turn_of())
    await made_ready(other, "ann")
    assert (await begun(storage, turn_of("t2", base_length=2))).has_documents
    await end(storage, turn_of("t2", base_length=2))
    row = await row_of(storage)
    claim = await storage.turns.claim(turn_of("t3", base_length=4), row, "x", with_base=True, limits=at_most(20))
    assert claim is not None
    assert claim.has_documents
    assert not (await begun(storage, turn_of("t4", "d", userid="bob"))).has_documents


async def test_a_document_counts_before_it_is_ready_and_not_once_it_is_hidden(storage: Storage) -> None:
    hidden = await made_ready(storage, "ann", b"hidden")
    await storage.files.hide("ann", hidden.id)
    assert not (await begun(storage, turn_of())).has_documents
    await put(storage, b"waits")
    await end(storage, turn_of())
    assert (await begun(storage, turn_of("t2", base_length=2))).has_documents


async def test_a_claim_does_not_undo_a_renaming(storage: Storage, other: Storage) -> None:
    await ran(storage, turn_of())
    row = await row_of(storage)
    await other.conversations.change("ann", "c", title="Renamed")
    assert await storage.turns.claim(turn_of("t2", base_length=2), row, row.title, with_base=True, limits=at_most(20))
    assert (await row_of(storage)).title == "Renamed"


async def test_a_claim_whose_waiter_is_cancelled_leaves_the_title(storage: Storage, other: Storage) -> None:
    await ran(storage, turn_of())
    row = await row_of(storage)
    claims = storage.turns.claim(turn_of("t2"), row, "Edited", with_base=True, limits=at_most(20))
    task = asyncio.create_task(claims)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # What withdraws the claim is done before this.
    await ran(storage, turn_of("t3", base_length=2))
    assert (await row_of(other)).title == "Hello"
    assert await found(other, "edited") == []


async def test_running_turns_of_a_user_are_counted_in_all_processes(storage: Storage, other: Storage) -> None:
    await begun(storage, turn_of("t1", "c1"), running_limit=2)
    await begun(other, turn_of("t2", "c2"), running_limit=2)
    for one in (storage, other):
        with pytest.raises(TooManyTurns):
            await begin(one, turn_of("t3", "c3"), running_limit=2)
        assert await one.conversations.get("ann", "c3") is None
    # Another's do not count, nor does the one that runs in the same conversation.
    await begun(storage, turn_of("t4", "c4", userid="bob"), running_limit=1)
    _, claim = await begin(storage, turn_of("t5", "c2"), running_limit=2)
    assert claim is None
    await end(storage, turn_of("t1", "c1"))
    await begun(storage, turn_of("t6", "c1", base_length=2), running_limit=2)
    row = await row_of(storage, "c1")
    with pytest.raises(TooManyTurns):
        await storage.turns.claim(turn_of("t7", "c5"), replace(row, id="c5"), "x", with_base=False, limits=at_most(2))


async def test_a_turn_that_was_given_up_does_not_count(storage: Storage) -> None:
    await begun(storage, turn_of("t1", "c1"), running_limit=1)
    await storage.turns.give_up(turn_of("t1", "c1"), b"[]", SPENT)
    await begun(storage, turn_of("t2", "c2"), running_limit=1)


async def test_a_turn_of_a_dead_process_does_not_count(engine: Engine, storage: Storage, other: Storage) -> None:
    """Nobody may look at its conversation for long, and its user could not begin another."""
    await begun(storage, turn_of("t1", "c1"))
    await begun(storage, turn_of("t2", "c2"))
    await engine.crash(storage)
    await begun(other, turn_of("t3", "c3"), running_limit=2)
    await begun(other, turn_of("t4", "c4"), running_limit=2)
    with pytest.raises(TooManyTurns):
        await begin(other, turn_of("t5", "c5"), running_limit=2)


async def test_as_many_begin_at_once_as_may(storage: Storage, other: Storage) -> None:
    racing = [begin(one, turn_of(f"t{n}", f"c{n}"), running_limit=3) for n, one in enumerate([storage, other] * 4)]
    results = await asyncio.gather(*racing, return_exceptions=True)
    assert [type(one) for one in results if isinstance(one, BaseException)] == [TooManyTurns] * 5
    assert len(await storage.turns.unfinished()) == 3
    assert len(await storage.conversations.page("ann", limit=10, after=None, query="")) == 3


async def cancelled(storage: Storage, turn: Turn) -> None:
    """Begin a turn, and wait for it no longer once it has been placed."""
    loop = asyncio.get_running_loop()

    def place(_: Conversation) -> Turn:
        loop.call_soon_threadsafe(task.cancel)
        return turn

    task = asyncio.create_task(
        storage.turns.begin("ann", turn.conversation_id, "x", place, limits=at_most(1), with_base=True)
    )
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_begin_whose_waiter_is_cancelled_leaves_nothing(storage: Storage, other: Storage) -> None:
    """For the waiter it is refused: a row that it left would run for ever."""
    many = [message("user", "t1", f"word{number}") for number in range(500)]
    await ran(storage, replace(turn_of(), new_messages=many))
    row = await row_of(storage)
    for number in range(max(3, examples(10))):
        await cancelled(storage, turn_of(f"t2-{number}", f"new{number}"))
        # Its history is being read when nobody waits any more.
        await cancelled(storage, turn_of(f"t3-{number}", base_length=500))
        assert await storage.turns.running("c") is None
    async with asyncio.timeout(10):
        while await other.turns.unfinished():
            pass
    assert await other.conversations.page("ann", limit=9, after=None, query="") == [row]
    await ran(other, turn_of("t4", base_length=500))
    assert (await texts(storage))[498:] == ["word498", "word499", "t4?", "t4!"]


@pytest.mark.slow
@pytest.mark.parametrize("count", [1_199, 9_999])
async def test_a_long_list_may_come_with_a_new_conversation(
    engine: Engine, storage: Storage, other: Storage, count: int
) -> None:
    many = [message("user" if number % 2 == 0 else "assistant", "t1", f"word{number}") for number in range(count)]
    await begun(storage, replace(turn_of(), new_messages=many))
    assert (await row_of(other)).message_count == count
    await engine.crash(storage)
    left = await running(other)
    assert left.turn.new_messages == many
    await other.turns.take_over(left)
    await end(other, left.turn)
    assert len(await other.history.read("c")) == (await row_of(other)).message_count == count + 1
    rows = await other.conversations.page("ann", limit=1, after=None, query=f"word{count - 1}")
    assert [row.id for row in rows] == ["c"]
    claim = await begun(other, turn_of("t2", base_length=count + 1))
    assert claim.base[:-1] == many
