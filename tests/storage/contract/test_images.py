"""Images: behind their tokens, and gone with the process that made them unless a settled message holds them."""

from __future__ import annotations

import asyncio
import re

import pytest

from mockbackend.messages import Part
from mockbackend.storage import FileLimits, Image, QuotaExceeded, Storage
from mockbackend.storage.file_limits import over_quota
from tests.storage.contract.acts import ROOM, answer, begun, end, ran, running, turn_of
from tests.storage.contract.engines import Engine
from tests.storage.contract.files import put

PNG = Image("image/png", b"\x89PNG\0content")


async def test_an_image_is_read_by_its_token(storage: Storage, other: Storage) -> None:
    token = await storage.images.put("ann", "c", PNG, user_bytes=ROOM)
    assert await storage.images.get(token) == await other.images.get(token) == PNG
    assert await storage.images.get("none") is None
    assert await storage.images.get(token.swapcase()) is None
    large = Image("image/webp", bytes(range(256)) * 8192)
    assert await other.images.get(await storage.images.put("ann", "c", large, user_bytes=ROOM)) == large
    empty = Image("image/gif", b"")
    assert await other.images.get(await storage.images.put("ann", "c", empty, user_bytes=ROOM)) == empty


async def test_no_token_says_anything(storage: Storage) -> None:
    tokens = await asyncio.gather(*(storage.images.put("ann", "c", PNG, user_bytes=ROOM) for _ in range(20)))
    assert len(set(tokens)) == 20
    assert all(re.fullmatch(r"[\w-]{32}", token) for token in tokens), "192 bits, as they stand in a URL"
    assert len({token[:4] for token in tokens}) == len({token[-4:] for token in tokens}) == 20


async def test_its_home_is_known_to_its_owner_alone(storage: Storage, other: Storage) -> None:
    token = await storage.images.put("ann", "c", PNG, user_bytes=ROOM)
    assert await other.images.home("ann", token) == "c"
    assert await other.images.home("bob", token) is None
    assert await other.images.home("ann", "none") is None


async def test_discarded_images_are_gone(storage: Storage, other: Storage) -> None:
    first, second, kept = [await storage.images.put("ann", "c", PNG, user_bytes=ROOM) for _ in range(3)]
    await storage.images.discard([])
    await other.images.discard([first, "none", second])
    await storage.images.discard([first])
    assert [await storage.images.get(token) for token in (first, second, kept)] == [None, None, PNG]
    assert await storage.images.home("ann", first) is None


async def test_what_no_message_holds_goes_with_its_process(engine: Engine, storage: Storage, other: Storage) -> None:
    theirs = await other.images.put("ann", "c", PNG, user_bytes=ROOM)
    left = await storage.images.put("ann", "c", PNG, user_bytes=ROOM)
    asked, answered = [await storage.images.put("ann", "c", PNG, user_bytes=ROOM) for _ in range(2)]
    turn = turn_of()
    turn.new_messages[0]["parts"].append({"type": "picture", "token": asked})
    await ran(storage, turn, {"type": "picture", "token": answered})
    await other.images.clean()
    assert await other.images.get(left) == PNG, "its process lives"
    await engine.crash(storage)
    await other.images.clean()
    await other.images.clean()
    assert await other.images.get(left) is None
    assert await other.images.home("ann", left) is None
    for token in (theirs, asked, answered):
        assert await other.images.get(token) == PNG


async def test_what_a_turn_may_hold_stays_until_it_is_settled(engine: Engine, storage: Storage, other: Storage) -> None:
    await begun(storage, turn_of())
    made, unused = [await storage.images.put("ann", "c", PNG, user_bytes=ROOM) for _ in range(2)]
    await engine.crash(storage)
    await other.images.clean()
    assert await other.images.get(made) == await other.images.get(unused) == PNG
    left = await running(other)
    await other.turns.take_over(left)
    await end(other, left.turn, {"type": "picture", "token": made})
    await other.images.clean()
    assert await other.images.get(made) == PNG
    assert await other.images.get(unused) is None


async def test_a_crash_within_the_end_costs_no_image(engine: Engine, storage: Storage, other: Storage) -> None:
    turn = turn_of()
    await begun(storage, turn)
    token = await storage.images.put("ann", "c", PNG, user_bytes=ROOM)
    await engine.crash_in_end(storage, turn, answer(turn, {"type": "picture", "token": token}))
    await other.images.clean()
    await other.turns.take_over(await running(other))
    await end(other, turn, {"type": "picture", "token": token})
    await other.images.clean()
    assert await other.images.get(token) == PNG


async def test_its_bytes_come_in_pieces(storage: Storage) -> None:
    content = bytes(range(256)) * 2_000
    token = await storage.images.put("ann", "c", Image("image/png", content), user_bytes=ROOM)
    found = await storage.images.content(token)
    assert found is not None
    media_type, blob = found
    assert (media_type, blob.size) == ("image/png", len(content))
    pieces = [piece async for piece in blob.pieces()]
    assert b"".join(pieces) == content
    assert len(pieces) > 1
    assert await storage.images.content("x" * 32) is None


async def test_images_that_no_message_shows_any_more_are_removed(storage: Storage, other: Storage) -> None:
    asked, cut, again, shown = [await storage.images.put("ann", "c", PNG, user_bytes=ROOM) for _ in range(4)]
    elsewhere = await storage.images.put("ann", "d", PNG, user_bytes=ROOM)
    await ran(storage, turn_of("d1", "d"), part(elsewhere))
    first = turn_of()
    first.new_messages[0]["parts"].append(part(asked))
    await ran(storage, first, part(cut))
    # What is put in the meantime belongs to a turn that has not begun.
    coming = await other.images.put("ann", "c", PNG, user_bytes=ROOM)
    edited = turn_of("t2", base_length=0)
    edited.new_messages[0]["parts"].append(part(asked))
    await ran(other, edited, part(again))
    await ran(storage, turn_of("t3", base_length=2), part(shown))
    for token, kept in ((asked, PNG), (cut, None), (again, PNG), (shown, PNG), (coming, PNG), (elsewhere, PNG)):
        assert await other.images.get(token) == kept
    assert await storage.images.home("ann", cut) is None
    assert await storage.spending.stored_bytes("ann") == 5 * len(PNG.content)
    regenerated = turn_of("t4", base_length=2)
    await begun(storage, regenerated)
    assert await storage.images.get(shown) == PNG, "until the turn is settled it is in the history"
    await end(storage, regenerated)
    assert await storage.images.get(shown) is None
    assert await storage.images.get(again) == PNG


@pytest.mark.sampled(4)
@pytest.mark.parametrize("base_length", [0, 1, 2, 3, 4, 5])
async def test_an_image_stays_as_long_as_any_message_shows_it(
    storage: Storage, other: Storage, base_length: int
) -> None:
    """One is shown first and last, one second and in what replaces them, one in the last alone."""
    twice, moved, last = [await storage.images.put("ann", "c", PNG, user_bytes=ROOM) for _ in range(3)]
    await ran(storage, turn_of(), part(twice))
    await ran(storage, turn_of("t2", base_length=2), part(moved))
    await ran(storage, turn_of("t3", base_length=4), part(twice), part(last))
    await ran(other, turn_of("t4", base_length=base_length), part(moved))
    kept = {token for token in (twice, moved, last) if await storage.images.get(token) is not None}
    assert kept == ({moved, twice} if base_length > 1 else {moved})
    await ran(storage, turn_of("t5", base_length=base_length))
    assert (await storage.images.get(moved) is not None) is (base_length > 3)


async def test_the_heir_of_a_turn_removes_what_it_replaces(engine: Engine, storage: Storage, other: Storage) -> None:
    for crash_in_end in (False, True):
        dead = await engine.open()
        home = f"c{crash_in_end}"
        replaced = await dead.images.put("ann", home, PNG, user_bytes=ROOM)
        await ran(dead, turn_of(f"{home}-1", home), part(replaced))
        turn = turn_of(f"{home}-2", home)
        await begun(dead, turn)
        await (engine.crash_in_end(dead, turn, answer(turn)) if crash_in_end else engine.crash(dead))
        left = await running(other, home)
        await other.turns.take_over(left)
        await end(other, left.turn)
        assert await storage.images.get(replaced) is None


async def test_documents_and_images_share_what_a_user_may_store(storage: Storage, other: Storage) -> None:
    limits = FileLimits(1000, 100, 100)
    assert (await put(storage, b"a" * 60, limits=limits)).status == "queued"
    image = Image("image/png", b"b" * 30)
    token = await other.images.put("ann", "c", image, user_bytes=100)
    assert await storage.spending.stored_bytes("ann") == 90
    for one in (storage, other):
        with pytest.raises(QuotaExceeded):
            await one.images.put("ann", "c", Image("image/png", b"c" * 11), user_bytes=100)
        refused = await put(one, b"d" * 11, limits=limits)
        assert (refused.status, refused.error) == ("failed", over_quota(limits))
    await other.images.put("bob", "d", image, user_bytes=30)
    assert await other.spending.stored_bytes("bob") == 30
    await storage.images.put("ann", "c", Image("image/png", b"e" * 10), user_bytes=100)
    await other.images.discard([token])
    assert (await put(storage, b"f" * 30, limits=limits)).status == "queued"
    assert await storage.spending.stored_bytes("ann") == 100


async def test_images_and_documents_that_race_fit_together(storage: Storage, other: Storage) -> None:
    limits = FileLimits(1000, 100, 100)

    async def image(one: Storage, letter: str) -> bool:
        try:
            await one.images.put("ann", "c", Image("image/png", letter.encode() * 30), user_bytes=100)
        except QuotaExceeded:
            return False
        return True

    async def document(one: Storage, letter: str) -> bool:
        return (await put(one, letter.encode() * 30, limits=limits)).status == "queued"

    stores = [storage, other] * 2
    racing = [store(one, f"{n}") for n, one in enumerate(stores) for store in (image, document)]
    assert sum(await asyncio.gather(*racing)) == 3
    assert await storage.spending.stored_bytes("ann") == 90


async def test_a_deletion_gives_its_bytes_back(storage: Storage, other: Storage) -> None:
    token = await storage.images.put("ann", "c", PNG, user_bytes=ROOM)
    await ran(storage, turn_of(), part(token))
    file = await put(storage, b"content")
    assert await other.spending.stored_bytes("ann") == len(PNG.content) + 7
    await other.conversations.hide("ann", "c")
    await other.conversations.erase("c")
    assert await storage.spending.stored_bytes("ann") == 7
    await storage.files.hide("ann", file.id)
    assert await other.spending.stored_bytes("ann") == 0


def part(token: str) -> Part:
    return {"type": "picture", "token": token}
