"""What callers ask for beyond what is there, and what only a mistake of theirs could ask: one answer on each engine."""

from __future__ import annotations

import pytest

from mockbackend.storage import Cursor, FileLimits, Image, Storage, TakenOver
from mockbackend.storage.passages import Passage
from tests.storage.contract.acts import (
    SPENT,
    answer,
    at_most,
    begin,
    begun,
    conversation_of_two,
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
from tests.storage.contract.files import put

HUGE = 2**70
# From where, up to where, and what there is.
PLACES = [
    (-2, None, slice(None)),
    (-HUGE, 5, slice(5)),
    (0, HUGE, slice(None)),
    (3, 700_000, slice(3, None)),
    (524_288, None, slice(0)),
    (524_287, None, slice(-1, None)),
    (HUGE, None, slice(0)),
    (5, 3, slice(0)),
    (0, -1, slice(0)),
    (262_144, 262_144, slice(0)),
    (262_143, 262_145, slice(262_143, 262_145)),
]


async def test_a_page_has_as_many_rows_as_there_are(storage: Storage) -> None:
    for name in ("c", "d"):
        await ran(storage, turn_of(f"turn of {name}", name))
    for limit, count in ((-HUGE, 0), (-1, 0), (0, 0), (1, 1), (2**63, 2), (HUGE, 2)):
        for query in ("", "hello"):
            rows = await storage.conversations.page("ann", limit=limit, after=None, query=query)
            assert len(rows) == count, (limit, query)


async def test_a_page_begins_anywhere(storage: Storage) -> None:
    await ran(storage, turn_of())
    for at, ids in ((-HUGE, []), (-(2**63) - 1, []), (2**63, ["c"]), (HUGE, ["c"])):
        rows = await storage.conversations.page("ann", limit=9, after=Cursor(False, at, "x"), query="")
        assert [row.id for row in rows] == ids, at


async def test_a_query_may_be_of_any_length_and_say_anything(storage: Storage) -> None:
    long = "ß" * 60_000
    await begun(storage, turn := turn_of())
    await storage.turns.end(turn, [message("assistant", "t1", long)], b"[]", SPENT)
    await ran(storage, turn_of("t2", "d"), title="50%_\\")
    assert await found(storage, long.upper()) == ["c"]
    assert await found(storage, f"{long}x") == []
    for query in ("50%_\\", "%", "_", "\\"):
        assert await found(storage, query) == ["d"], query
    # What follows a NUL counts.
    assert await found(storage, "hell\0o") == await found(storage, "t2\0x") == []


@pytest.mark.sampled(3)
@pytest.mark.parametrize("with_base", [True, False])
@pytest.mark.parametrize(("base_length", "kept"), [(-HUGE, 0), (-1, 0), (5, 4), (2**40, 4), (HUGE, 4)])
async def test_a_base_beyond_the_history_is_all_of_it(
    storage: Storage, other: Storage, base_length: int, kept: int, *, with_base: bool
) -> None:
    await conversation_of_two(storage)
    turn = turn_of("t3", base_length=base_length)
    _, claim = await begin(storage, turn, with_base=with_base)
    assert claim is not None
    if with_base:
        assert len(claim.base) == kept
    await end(storage, turn)
    said = ["t1?", "t1!", "t2?", "t2!"][:kept]
    assert await texts(other) == [*said, "t3?", "t3!"]
    row = await row_of(other)
    assert row.message_count == kept + 2
    edited = turn_of("t4", base_length=base_length)
    claim = await other.turns.claim(edited, row, "Hello", with_base=True, limits=at_most(9))
    assert claim is not None
    await end(other, edited)
    said = [*said, "t3?", "t3!"][: max(0, base_length)]
    assert len(claim.base) == len(said)
    assert await texts(storage) == [*said, "t4?", "t4!"]


async def test_a_turn_of_a_living_process_ends_there_alone(storage: Storage, other: Storage) -> None:
    turn = turn_of()
    await begun(storage, turn)
    with pytest.raises(TakenOver):
        await end(other, turn)
    await other.turns.give_up(turn, b"[9]", SPENT)
    assert (await running(storage)).is_ours
    assert await other.history.read("c") == []
    await end(storage, turn)
    await other.turns.end(turn, [], b"[]", SPENT)
    assert await texts(other) == ["t1?", "t1!"]


async def test_a_turn_that_was_given_up_is_not_ended(storage: Storage, other: Storage) -> None:
    turn = turn_of()
    await begun(storage, turn)
    await storage.turns.give_up(turn, b"[1]", SPENT)
    with pytest.raises(TakenOver):
        await end(storage, turn)
    assert await texts(storage) == []
    assert await other.turns.take_over(await running(other))
    with pytest.raises(TakenOver):
        await end(storage, turn)
    await end(other, turn)
    assert await texts(storage) == ["t1?", "t1!"]


async def test_the_end_of_a_turn_that_nobody_began_does_nothing(storage: Storage) -> None:
    await ran(storage, turn_of())
    row = await row_of(storage)
    for turn in (turn_of("none", base_length=2), turn_of("none", "none")):
        await end(storage, turn)
    assert await row_of(storage) == row
    assert await storage.history.read("none") == []


async def test_a_turns_id_is_used_once(storage: Storage, other: Storage) -> None:
    async def is_begun(one: Storage, conversation_id: str) -> bool:
        _, claim = await begin(one, turn_of("t1", conversation_id))
        return claim is not None

    assert await is_begun(storage, "c")
    places = [(one, name) for one in (storage, other) for name in ("c", "d")]
    assert not any([await is_begun(*place) for place in places])
    assert (await running(other)).turn == turn_of()
    await end(storage, turn_of())
    # Its row is still there.
    assert not any([await is_begun(*place) for place in places])
    assert (
        await other.turns.claim(turn_of(base_length=2), await row_of(other), "x", with_base=True, limits=at_most(9))
        is None
    )
    assert await texts(storage) == ["t1?", "t1!"]
    assert [turn.turn.turn_id for turn in await storage.turns.unfinished()] == []


async def test_pieces_are_what_there_is_between_two_places(storage: Storage) -> None:
    # Two pieces, as the engines cut them.
    content = bytes(range(256)) * 2048
    file = await put(storage, content, limits=FileLimits(HUGE, HUGE, HUGE))
    for start, end_, expected in PLACES:
        opened = await storage.files.content("ann", file.id)
        assert opened is not None
        read = b"".join([piece async for piece in opened[1].pieces(start, end_)])
        assert read == content[expected], (start, end_)


async def test_passages_are_read_from_any_place(storage: Storage) -> None:
    await storage.passages.stage("f", "ann", [Passage(name) for name in ("one", "two", "three")])
    for read in (storage.passages.pending, storage.passages.read):
        for limit, count in ((-HUGE, 0), (-1, 0), (0, 0), (1, 1), (HUGE, 3)):
            assert len(await read("f", limit)) == count
        for after, count in ((-HUGE, 3), (-2, 3), (0, 2), (2, 0), (2**32 - 1, 0), (2**32, 0), (HUGE, 0)):
            assert len(await read("f", 9, after)) == count


@pytest.mark.parametrize("media_type", ["text/html", "image/p\0g", "image/png\n", ""])
async def test_what_is_no_image_is_not_given_out(storage: Storage, media_type: str) -> None:
    token = await storage.images.put("ann", "c", Image(media_type, b"<script>"), user_bytes=HUGE)
    assert await storage.images.get(token) is None


async def test_a_store_may_be_closed_twice(engine: Engine, storage: Storage, other: Storage) -> None:
    await begun(storage, turn_of())
    await engine.stop(storage)
    await storage.close()
    left = await running(other)
    assert not left.is_alive
    assert await other.turns.take_over(left)
    await other.turns.end(turn_of(), answer(turn_of()), b"[]", SPENT)
    assert await texts(other) == ["t1?", "t1!"]
