"""What users spend in a day: counted once for each turn, in all processes, whatever becomes of its conversation."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from mockbackend.storage import (
    Claim,
    ClaimLimits,
    DayLimitReached,
    DayLimits,
    Prices,
    Spent,
    Storage,
    TooManyConversations,
    Turn,
)
from mockbackend.storage.spending import DAY_MS
from tests.storage.contract.acts import (
    answer,
    at_most,
    begun,
    conversation_of_two,
    end,
    ran,
    row_of,
    running,
    turn_of,
)
from tests.storage.contract.engines import Engine

DAY = 20_000
CHAT = Spent(1, 5)
IMAGE = Spent(1, images=1)


def today(turn: str = "t1", conversation_id: str = "c", **more: Any) -> Turn:
    """A turn that began in the middle of that day."""
    return replace(turn_of(turn, conversation_id, **more), started_at=DAY * DAY_MS + DAY_MS // 2)


async def claimed(storage: Storage, turn: Turn, estimate: Spent = CHAT, **limits: Any) -> Claim | None:
    """The claim of the turn within these limits of the day."""
    within = ClaimLimits(20, 100, DayLimits(**limits), estimate)
    _, claim = await storage.turns.begin(
        "ann", turn.conversation_id, "x", lambda _: turn, limits=within, with_base=True
    )
    return claim


async def spent(storage: Storage, userid: str = "ann", day: int = DAY) -> Spent:
    return await storage.spending.of_day(userid, day)


async def ended(storage: Storage, turn: Turn, takes: Spent) -> None:
    await begun(storage, turn)
    await storage.turns.end(turn, answer(turn), b"[]", takes)


async def test_what_turns_have_spent_is_counted_for_their_user_and_day(storage: Storage, other: Storage) -> None:
    assert await spent(storage) == Spent()
    await ended(storage, today(), Spent(1, 10, 20, 3))
    await ended(other, today("t2", "c2"), Spent(1, 1, 2, 0))
    await ended(other, today("t3", "c3", userid="bob"), Spent(1, 100, 0, 0))
    tomorrow = today("t4", "c4")
    await ended(storage, replace(tomorrow, started_at=tomorrow.started_at + DAY_MS), Spent(1, 7))
    last_moment = replace(today("t5", "c5"), started_at=(DAY + 1) * DAY_MS - 1)
    await ended(storage, last_moment, Spent(1, 1000))
    for one in (storage, other):
        assert await spent(one) == Spent(3, 1011, 22, 3)
        assert await spent(one, "bob") == Spent(1, 100)
        assert await spent(one, day=DAY + 1) == Spent(1, 7)


async def test_a_running_turn_counts_as_it_was_estimated_and_then_as_it_says(storage: Storage, other: Storage) -> None:
    turn = today()
    await claimed(storage, turn, IMAGE)
    assert await spent(other) == IMAGE
    await storage.turns.write_logs([(turn, b"[1]", Spent(1, 5, 6, 1))])
    assert await spent(other) == Spent(1, 5, 6, 1)
    assert (await running(other)).spent == Spent(1, 5, 6, 1)
    assert await storage.turns.spend(turn, Spent(1, 7, 8, 2)) == Spent()
    assert await spent(other) == Spent(1, 7, 8, 2)
    await storage.turns.end(turn, answer(turn), b"[]", Spent(1, 9, 10, 3))
    assert await spent(other) == Spent(1, 9, 10, 3)


async def test_what_a_user_has_spent_can_be_forgotten(storage: Storage, other: Storage) -> None:
    await ended(storage, today(), Spent(1, 10))
    await ended(storage, today("t2", "c2", userid="bob"), Spent(1, 100))
    await storage.spending.forget("ann")
    assert await spent(other) == Spent()
    assert await spent(other, "bob") == Spent(1, 100)


async def test_to_spend_tells_what_the_others_have_spent(storage: Storage, other: Storage) -> None:
    await ended(storage, today(), Spent(1, 1, 10, 0))
    await claimed(storage, today("t2", "c2"), Spent(1, 100))
    mine = today("t3", "c3")
    await claimed(other, mine)
    assert await other.turns.spend(mine, Spent(1, 7)) == Spent(2, 101, 10)
    assert await spent(storage) == Spent(3, 108, 10)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("takes", "limits", "setting"),
    [
        (Spent(1), {"turns": 2}, "MAX_TURNS_PER_USER_PER_DAY"),
        (Spent(1, 30, 20), {"tokens": 100}, "MAX_TOKENS_PER_USER_PER_DAY"),
        (Spent(1, 1, 0, 2), {"images": 4}, "MAX_IMAGES_PER_USER_PER_DAY"),
        (Spent(1, 250_000), {"cost": 1.0, "prices": Prices(input_tokens=2.0)}, "MAX_COST_PER_USER_PER_DAY"),
        (Spent(1, 0, 125_000), {"cost": 1.0, "prices": Prices(2.0, 4.0)}, "MAX_COST_PER_USER_PER_DAY"),
        (Spent(1, 0, 125_000), {"cost": 1.0, "prices": Prices(0.0, 4.0)}, "MAX_COST_PER_USER_PER_DAY"),
        (Spent(1, 0, 0, 5), {"cost": 1.0, "prices": Prices(0.0, 0.0, 0.1)}, "MAX_COST_PER_USER_PER_DAY"),
    ],
)
async def test_no_turn_begins_once_a_limit_is_reached(
    storage: Storage, other: Storage, takes: Spent, limits: dict[str, Any], setting: str
) -> None:
    kind = IMAGE if takes.images else CHAT
    await ended(storage, today(), takes)
    assert await claimed(storage, today("t2", "c2"), kind, **limits), "one more than half of it is not all of it"
    await storage.turns.spend(today("t2", "c2"), takes)
    for one in (storage, other):
        with pytest.raises(DayLimitReached) as refused:
            await claimed(one, today("t3", "c3"), kind, **limits)
        assert refused.value.setting == setting
        assert await one.conversations.get("ann", "c3") is None
        await ran(one, today("t4", "of bob", userid="bob"))
        await one.conversations.hide("bob", "of bob")
        await one.conversations.erase("of bob")
    tomorrow = today("t5", "c5")
    assert await claimed(other, replace(tomorrow, started_at=tomorrow.started_at + DAY_MS), kind, **limits)


async def test_a_cost_is_reached_to_the_cent(storage: Storage) -> None:
    prices = Prices(image=0.7)
    assert prices.cost(Spent(images=3)) < 2.1
    await ended(storage, today(), Spent(1, images=3))
    with pytest.raises(DayLimitReached):
        await claimed(storage, today("t2", "c2"), IMAGE, cost=2.1, prices=prices)
    assert await claimed(storage, today("t2", "c2"), IMAGE, cost=2.11, prices=prices)


async def test_a_limit_refuses_what_adds_to_it(storage: Storage) -> None:
    await ended(storage, today(), Spent(1, 10, 0, 3))
    assert await claimed(storage, today("t2", "c2"), CHAT, images=3)
    assert await claimed(storage, today("t3", "c3"), IMAGE, tokens=10)


async def test_a_claim_in_a_known_history_keeps_within_the_day(storage: Storage) -> None:
    await conversation_of_two(storage)
    row = await row_of(storage)
    await ended(storage, today("t9", "c9"), Spent(1))
    turn = today("t3", base_length=2)
    within = replace(at_most(20), day=DayLimits(turns=1))
    with pytest.raises(DayLimitReached):
        await storage.turns.claim(turn, row, "Edited", with_base=True, limits=within)
    assert await row_of(storage) == row
    assert await storage.turns.claim(turn, row, "x", with_base=True, limits=replace(within, day=DayLimits(turns=2)))


async def test_turns_that_race_keep_within_the_day(storage: Storage, other: Storage) -> None:
    racing = [claimed(one, today(f"t{n}", f"c{n}"), turns=3) for n, one in enumerate([storage, other] * 4)]
    results = await asyncio.gather(*racing, return_exceptions=True)
    assert sum(isinstance(result, DayLimitReached) for result in results) == 5
    assert await spent(storage) == Spent(3, 15)


async def test_a_turn_whose_process_died_is_counted_once(engine: Engine, storage: Storage, other: Storage) -> None:
    third = await engine.open()
    turn = today()
    await claimed(storage, turn)
    await storage.turns.write_logs([(turn, b"[1]", Spent(1, 5, 6))])
    await engine.crash(storage)
    assert await spent(other) == Spent(1, 5, 6)
    left = await running(other)
    assert left.spent == Spent(1, 5, 6)
    takes = [one for one in (other, third) if await one.turns.take_over(left)]
    for one in takes:
        await one.turns.end(turn, answer(turn), b"[]", left.spent)
        await one.turns.end(turn, answer(turn), b"[]", left.spent)
    assert await spent(third) == Spent(1, 5, 6)


async def test_a_crash_within_the_end_counts_once(engine: Engine, storage: Storage, other: Storage) -> None:
    turn = today()
    await claimed(storage, turn)
    await engine.crash_in_end(storage, turn, answer(turn))
    left = await running(other)
    await other.turns.take_over(left)
    await other.turns.end(turn, answer(turn), b"[]", left.spent)
    assert await spent(other) == CHAT


async def test_a_turn_that_was_given_up_counts_as_it_was_left(storage: Storage, other: Storage) -> None:
    turn = today()
    await claimed(storage, turn)
    await storage.turns.give_up(turn, b"[1]", Spent(1, 3, 4, 1))
    left = await running(other)
    assert left.spent == await spent(other) == Spent(1, 3, 4, 1)
    await other.turns.take_over(left)
    await other.turns.end(turn, answer(turn), b"[]", left.spent)
    assert await spent(storage) == Spent(1, 3, 4, 1)


async def test_a_deletion_gives_nothing_of_the_day_back(storage: Storage, other: Storage) -> None:
    await ended(storage, today(), Spent(1, 10))
    await claimed(storage, today("t2", "c2"), Spent(1, 20))
    for conversation_id in ("c", "c2"):
        await other.conversations.hide("ann", conversation_id)
        await other.conversations.erase(conversation_id)
        await other.conversations.erase(conversation_id)
    assert await spent(storage) == Spent(2, 30)


async def test_a_damaged_turn_is_counted(engine: Engine, storage: Storage, other: Storage) -> None:
    await claimed(storage, today(), Spent(1, 20))
    await engine.damage_turn("c")
    await engine.crash(storage)
    assert await other.turns.running("c") is None
    assert await spent(other) == Spent(1, 20)


async def test_a_claim_that_is_withdrawn_counts_for_nothing(storage: Storage) -> None:
    claiming = asyncio.ensure_future(claimed(storage, today()))
    await asyncio.sleep(0)
    claiming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await claiming
    await ran(storage, today("t2", "c2"))
    assert (await spent(storage)).turns == 1


async def test_a_turn_that_is_over_spends_nothing_more(storage: Storage) -> None:
    turn = today()
    await ended(storage, turn, Spent(1, 10))
    assert await storage.turns.spend(turn, Spent(1, 99)) == Spent(1, 10)
    assert await spent(storage) == Spent(1, 10)


async def test_a_user_has_so_many_conversations(storage: Storage, other: Storage) -> None:
    limits = ClaimLimits(20, 2)

    async def begin(store: Storage, turn: Turn) -> Claim | None:
        userid, home = turn.userid, turn.conversation_id
        return (await store.turns.begin(userid, home, "x", lambda _: turn, limits=limits, with_base=True))[1]

    for number in (1, 2):
        assert await begin(storage, turn_of(f"t{number}", f"c{number}"))
        await end(storage, turn_of(f"t{number}", f"c{number}"))
    for one in (storage, other):
        with pytest.raises(TooManyConversations):
            await begin(one, turn_of("t3", "c3"))
        with pytest.raises(TooManyConversations):
            await one.turns.begin("ann", "c3", "x", lambda _: None, limits=limits, with_base=True)
    assert await storage.conversations.get("ann", "c3") is None
    assert await begin(storage, turn_of("t4", "c2", base_length=2)), "one that is there goes on"
    assert await begin(storage, turn_of("t5", "of bob", userid="bob"))
    await storage.conversations.hide("ann", "c1")
    await storage.conversations.erase("c1")
    racing = [begin(one, turn_of(f"r{n}", f"r{n}")) for n, one in enumerate([storage, other] * 3)]
    results = await asyncio.gather(*racing, return_exceptions=True)
    assert sum(isinstance(result, TooManyConversations) for result in results) == 5


async def test_embeddings_are_counted_beside_turns_and_only_cost(storage: Storage, other: Storage) -> None:
    await storage.spending.embedded("ann", DAY, 600_000)
    await ended(other, today(), Spent(1, 7, 3, 1))
    await asyncio.gather(*(one.spending.embedded("ann", DAY, 100_000) for one in (storage, other) * 2))
    await storage.spending.embedded("bob", DAY, 5)
    for one in (storage, other):
        assert await spent(one) == Spent(1, 7, 3, 1, 1_000_000)
        assert await spent(one, "bob") == Spent(embedding_tokens=5)
        assert await spent(one, day=DAY + 1) == Spent()
    # They are no tokens of a chat; once their cost is all that is allowed, nothing that costs begins.
    assert await claimed(storage, today("t2", "d"), tokens=11)
    prices = Prices(input_tokens=1.0, embedding_tokens=0.5)
    assert await claimed(storage, today("t3", "e"), cost=0.6, prices=prices)
    with pytest.raises(DayLimitReached, match="MAX_COST_PER_USER_PER_DAY"):
        await claimed(storage, today("t4", "f"), cost=0.5, prices=prices)
    await storage.spending.forget("ann")
    assert (await spent(other)).embedding_tokens == 0
