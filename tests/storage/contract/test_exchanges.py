"""What requests have of the history: kept with the end of each turn, given to the next claim, and never needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from mockbackend.messages import text_of
from mockbackend.storage import Claim, Exchange, Storage, Turn, Window
from tests.storage.contract.acts import (
    ALL,
    SPENT,
    answer,
    at_most,
    begin,
    kept,
    message,
    ran,
    row_of,
    said_in,
    texts,
    turn_of,
)
from tests.storage.contract.damages import DAMAGES, Damage
from tests.storage.contract.engines import Engine


async def claimed(storage: Storage, turn: Turn, window: Window | None = ALL) -> Claim:
    """The claim of that turn, with the base or the window of it."""
    _, claim = await begin(storage, turn, window=window)
    assert claim is not None
    return claim


async def ended(storage: Storage, turn: Turn, *, without: Sequence[int] = ()) -> None:
    """End a turn, and keep what it has for requests."""
    new = [*turn.new_messages, *answer(turn)]
    await storage.turns.end(turn, answer(turn), b"[]", SPENT, kept(new, turn.base_length, without=without))


async def talked(storage: Storage, *base_lengths: int, without: Sequence[int] = ()) -> None:
    """Turns of those bases, t1 and so on."""
    for number, base_length in enumerate(base_lengths, 1):
        turn = turn_of(f"t{number}", base_length=base_length)
        await claimed(storage, turn)
        await ended(storage, turn, without=without)


async def window_of(storage: Storage, base_length: int, window: Window = ALL) -> list[bytes | None] | None:
    """The bytes that a claim gets; None if it gets the messages."""
    claim = await claimed(storage, turn_of("next", base_length=base_length), window)
    if claim.exchanges is None:
        assert len(claim.base) == base_length
        return None
    assert claim.base == []
    return [one.wire for one in claim.exchanges]


async def test_a_claim_gets_what_was_kept_at_the_end_of_each_turn(storage: Storage, other: Storage) -> None:
    await talked(storage, 0, 2, 4)
    claim = await claimed(other, turn_of("next", base_length=6))
    assert claim.exchanges == [
        Exchange(place, 2, [], f"t{number}?t{number}!".encode(), "chat", 10, 2)
        for number, place in enumerate((0, 2, 4), 1)
    ]
    assert claim.base == []


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("window", "number"),
    [
        (Window("chat", 10_000, 2_000), 3),
        (Window("chat", 30, 6), 3),
        (Window("chat", 29.9, 2_000), 2),
        (Window("chat", None, 5), 2),
        (Window("chat", 10, 2_000), 1),
        (Window("chat", 0, 0), 1),
        (Window("chat", -5, -5), 1),
    ],
)
@pytest.mark.parametrize("is_another_process", [False, True])
async def test_the_newest_that_fit_are_given_and_always_the_last(
    storage: Storage, other: Storage, window: Window, number: int, *, is_another_process: bool
) -> None:
    await talked(storage, 0, 2, 4)
    claiming = other if is_another_process else storage
    assert await window_of(claiming, 6, window) == [b"t1?t1!", b"t2?t2!", b"t3?t3!"][-number:]


async def test_a_window_that_grows_shows_what_it_had_no_room_for(storage: Storage) -> None:
    await talked(storage, 0, 2)
    turn = turn_of("t3", base_length=4)
    await claimed(storage, turn, Window("chat", 10, 2_000))
    await ended(storage, turn)
    assert await window_of(storage, 6, Window("chat", 20, 2_000)) == [b"t2?t2!", b"t3?t3!"]


async def test_what_another_process_has_replaced_is_not_given(storage: Storage, other: Storage) -> None:
    await talked(storage, 0, 2)
    await claimed(other, turn := turn_of("t3", base_length=2))
    await ended(other, turn)
    assert await window_of(storage, 4) == [b"t1?t1!", b"t3?t3!"]


async def test_a_conversation_that_another_process_made_anew_has_nothing_of_the_old_one(
    storage: Storage, other: Storage
) -> None:
    await talked(storage, 0, 2)
    assert await other.conversations.hide("ann", "c")
    await other.conversations.erase("c")
    for turn in (turn_of("t8"), turn_of("t9", base_length=2)):
        await claimed(other, turn)
        await ended(other, turn)
    assert await window_of(storage, 4) == [b"t8?t8!", b"t9?t9!"]


async def test_without_a_window_the_base_is_all_messages(storage: Storage) -> None:
    await talked(storage, 0, 2)
    claim = await claimed(storage, turn_of("next", base_length=4), None)
    assert claim.exchanges is None
    assert [text_of(one) for one in claim.base] == ["t1?", "t1!", "t2?", "t2!"]


async def test_what_is_replaced_is_not_given_again(storage: Storage, other: Storage) -> None:
    await talked(storage, 0, 2, 4, 2)
    assert await other.turns.outline("c") == [["t1-user", "t1-assistant"], ["t4-user", "t4-assistant"]]
    assert await window_of(other, 4) == [b"t1?t1!", b"t4?t4!"]


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("base_length", "given"), [(0, None), (2, [b"t1?t1!"]), (3, None), (4, [b"t1?t1!", b"t2?t2!"])]
)
async def test_a_base_that_ends_within_an_exchange_is_read(
    storage: Storage, base_length: int, given: list[bytes] | None
) -> None:
    await talked(storage, 0, 2)
    assert await window_of(storage, base_length) == given


async def test_one_without_bytes_has_its_messages(storage: Storage) -> None:
    await talked(storage, 0, 2, 4, without=[2])
    claim = await claimed(storage, turn_of("next", base_length=6))
    assert claim.exchanges is not None
    assert [one.wire for one in claim.exchanges] == [b"t1?t1!", None, b"t3?t3!"]
    assert claim.exchanges[1].messages == [*turn_of("t2").new_messages, *answer(turn_of("t2"))]


async def test_bytes_of_another_shape_are_not_given(storage: Storage) -> None:
    await talked(storage, 0, 2)
    claim = await claimed(storage, turn_of("next", base_length=4), Window("emulator", None, 2_000))
    assert claim.exchanges is None
    assert [text_of(one) for one in claim.base] == ["t1?", "t1!", "t2?", "t2!"]


async def test_a_turn_that_kept_nothing_is_read_and_may_be_kept_later(storage: Storage) -> None:
    await talked(storage, 0, 2)
    turn = await ran(storage, turn_of("t3", base_length=4), keeps=False)
    base = (await claimed(storage, later := turn_of("t4", base_length=6))).base
    assert [text_of(one) for one in base] == ["t1?", "t1!", "t2?", "t2!", "t3?", "t3!"]
    assert base[4]["turn"] == turn.turn_id
    whole = kept([*base, *later.new_messages, *answer(later)])
    await storage.turns.end(later, answer(later), b"[]", SPENT, whole)
    assert await window_of(storage, 8) == [b"t1?t1!", b"t2?t2!", b"t3?t3!", b"t4?t4!"]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("damage", DAMAGES)
async def test_what_is_damaged_is_made_of_the_messages(engine: Engine, damage: Damage) -> None:
    storage = await engine.open()
    await talked(storage, 0, 2, 4)
    await engine.damage_exchange("c", 2, damage)
    # Another process: this one has them in memory.
    storage = await engine.open()
    if damage == "ids":
        assert await storage.turns.outline("c") is None
    claim = await claimed(storage, turn_of("next", base_length=6))
    assert said_in(claim) == "t1?t1!t2?t2!t3?t3!"
    await ended(storage, turn_of("next", base_length=6))
    assert await texts(storage) == ["t1?", "t1!", "t2?", "t2!", "t3?", "t3!", "next?", "next!"]


async def test_a_turn_that_died_is_not_mistaken_for_what_was_kept(engine: Engine) -> None:
    dying = await engine.open()
    await talked(dying, 0, 2)
    turn = turn_of("t3", base_length=2)
    await claimed(dying, turn)
    await engine.crash_in_end(dying, turn, answer(turn))
    storage = await engine.open()
    running = await storage.turns.running("c")
    assert running
    assert await storage.turns.take_over(running)
    await storage.turns.end(turn, answer(turn), b"[]", SPENT)
    assert await window_of(storage, 4) is None
    assert await texts(storage) == ["t1?", "t1!", "t3?", "t3!"]


async def test_a_deleted_conversation_leaves_nothing_to_the_next_of_its_id(storage: Storage) -> None:
    await talked(storage, 0, 2)
    assert await storage.conversations.hide("ann", "c")
    await storage.conversations.erase("c")
    assert not await storage.turns.outline("c")
    await ran(storage, turn_of("other"), keeps=False)
    assert await window_of(storage, 2) is None


async def test_a_turn_placed_in_an_outline_gets_its_window(storage: Storage) -> None:
    await talked(storage, 0, 2, 4)
    row, edited = await row_of(storage), turn_of("edited", base_length=2)
    claim = await storage.turns.claim(edited, row, "Hello", with_base=True, limits=at_most(9), window=ALL)
    assert claim
    assert claim.exchanges
    assert [one.wire for one in claim.exchanges] == [b"t1?t1!"]


async def test_many_exchanges_of_one_turn_are_kept(storage: Storage) -> None:
    said = [
        one
        for number in range(600)
        for one in (message("user", f"q{number}", "a"), message("assistant", f"q{number}", "b"))
    ]
    turn = replace(turn_of(), new_messages=[*said, message("user", "t1", "last")])
    await begin(storage, turn)
    await ended(storage, turn)
    outline = await storage.turns.outline("c")
    assert outline
    assert sum(map(len, outline)) == 1202
    assert await window_of(storage, 1202, Window("chat", None, 6)) == [b"ab", b"ab", b"lastt1!"]


async def test_an_exchange_of_which_nothing_is_sent_is_kept_as_well(storage: Storage) -> None:
    """A prompt that was refused, say."""
    await talked(storage, 0)
    turn = replace(turn_of("t2", base_length=2), new_messages=[message("user", "t2", "")])
    await begin(storage, turn)
    silent = message("assistant", "t2", "")
    await storage.turns.end(turn, [silent], b"[]", SPENT, kept([*turn.new_messages, silent], 2))
    assert await window_of(storage, 4) == [b"t1?t1!", b""]
