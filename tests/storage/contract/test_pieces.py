"""A long history is read some messages at a time, and what is read is of one moment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mockbackend.messages import Message, text_of
from mockbackend.storage import HistoryChanged, Storage, Turn
from tests.storage.contract.acts import answer, message, ran, turn_of
from tests.storage.contract.engines import Engine

TURNS = 12


@pytest.fixture(params=[16, pytest.param(1, marks=pytest.mark.slow)], ids=["cut small", "as long as they are"])
def words(request: pytest.FixtureRequest, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> str:
    """What one message says: some turns make a piece. Of short ones where pieces are cut as much shorter."""
    times: int = request.param
    engine.cut_smaller(times, monkeypatch)
    return "wörd " * (20_000 // times)


def long_turn(words: str, number: int, base_length: int | None = None) -> Turn:
    turn = turn_of(f"t{number}", base_length=2 * number if base_length is None else base_length)
    return replace(turn, new_messages=[message("user", turn.turn_id, f"{number} {words}")])


def imported(words: str, count: int) -> Turn:
    """A first turn that brings a whole conversation."""
    new = [message("assistant" if n % 2 else "user", "t0", f"{n} {words}") | {"id": f"t0-{n}"} for n in range(count)]
    return replace(turn_of("t0"), new_messages=new)


async def talked(storage: Storage, words: str) -> list[Message]:
    """A conversation of many pieces, and all that it says."""
    turns = [await ran(storage, long_turn(words, number)) for number in range(TURNS)]
    return [one for turn in turns for one in [*turn.new_messages, *answer(turn)]]


async def pieces(storage: Storage, length: int | None = None) -> list[list[Message]]:
    return [piece async for piece in storage.history.pieces("c", length=length)]


def joined(pieces: list[list[Message]]) -> list[Message]:
    return [one for piece in pieces for one in piece]


async def test_they_are_the_whole_and_each_is_short(storage: Storage, other: Storage, words: str) -> None:
    said = await talked(storage, words)
    found = await pieces(other)
    assert joined(found) == said == await other.history.read("c")
    assert len(found) > 3
    assert max(sum(len(text_of(one)) for one in piece) for piece in found) < 5 * len(words)


async def test_what_came_as_one_list_is_read_in_pieces_too(storage: Storage, words: str) -> None:
    turn = await ran(storage, imported(words, 30))
    await ran(storage, long_turn(words, 1, base_length=31))
    found = await pieces(storage)
    assert joined(found)[:31] == [*turn.new_messages, *answer(turn)]
    assert len(joined(found)) == 33
    assert max(map(len, found)) < 10


@pytest.mark.sampled(4)
@pytest.mark.parametrize("base_length", [1, 12, 31])
async def test_an_edit_within_such_a_list_keeps_what_stands_before_it(
    storage: Storage, other: Storage, words: str, base_length: int
) -> None:
    first = await ran(storage, imported(words, 30))
    await ran(storage, long_turn(words, 1, base_length))
    again = await ran(other, long_turn(words, 2, base_length))
    said = [*first.new_messages, *answer(first)][:base_length]
    assert await storage.history.read("c") == [*said, *again.new_messages, *answer(again)]


async def test_they_end_where_they_shall(storage: Storage, words: str) -> None:
    said = await talked(storage, words)
    for length in (0, 1, 2, 11, 12, 2 * TURNS, 2 * TURNS + 9):
        assert joined(await pieces(storage, length)) == said[:length], f"the first {length}"


async def test_a_short_history_is_one_piece(storage: Storage) -> None:
    turn = await ran(storage, turn_of())
    assert await pieces(storage) == [[*turn.new_messages, *answer(turn)]]
    assert await pieces(storage, 0) == [[]]


# What happens between two pieces: where the next turn stands, and what a reader of all, or of the first twenty, has.
CHANGES: dict[str, tuple[int, bool, bool]] = {
    "a turn is added": (2 * TURNS, True, True),
    "the last answer is made again": (2 * TURNS - 1, False, True),
    "the last turn is replaced": (2 * TURNS - 2, False, True),
    "a message within them is edited": (12, False, False),
    "an answer within them is made again": (19, False, False),
    "the first message is edited": (0, False, False),
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("change", CHANGES)
async def test_they_are_of_one_moment(storage: Storage, other: Storage, words: str, change: str) -> None:
    said = await talked(storage, words)
    base_length, all_stay, twenty_stay = CHANGES[change]
    readings = [(storage.history.pieces("c", length=length), length) for length in (None, 20)]
    found = [await anext(reading) for reading, _ in readings]
    await ran(other, long_turn(words, TURNS, base_length))
    for (reading, length), first, stays in zip(readings, found, (all_stay, twenty_stay), strict=True):
        if stays:
            assert first + [one async for piece in reading for one in piece] == said[:length], length
        else:
            with pytest.raises(HistoryChanged):
                await anext(reading)
    # A whole read begins again.
    assert len(await storage.history.read("c")) == base_length + 2


async def test_a_conversation_that_is_deleted_meanwhile_has_no_further_pieces(storage: Storage, words: str) -> None:
    await talked(storage, words)
    reading = storage.history.pieces("c")
    await anext(reading)
    await storage.conversations.hide("ann", "c")
    await storage.conversations.erase("c")
    with pytest.raises(HistoryChanged):
        await anext(reading)


@pytest.mark.sampled(5)
@pytest.mark.parametrize("place", [10, 2 * TURNS - 2], ids=["within", "the last"])
async def test_a_turn_that_cannot_be_read_says_so_between_pieces(engine: Engine, words: str, place: int) -> None:
    storage = await engine.open()
    said = await talked(storage, words)
    await engine.damage_messages("c", place)
    found = joined(await pieces(storage))
    assert found[:place] + found[place + 2 :] == said[:place] + said[place + 2 :]
    damaged = found[place : place + 2]
    assert [(one["role"], text_of(one)) for one in damaged] == [
        ("user", "(This message is damaged and cannot be read.)"),
        ("assistant", "(This message is damaged and cannot be read.)"),
    ]
    assert len({one["id"] for one in found}) == len(said)
