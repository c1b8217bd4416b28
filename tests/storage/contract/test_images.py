"""Images: behind their tokens, and gone with the process that made them unless a settled message holds them."""

from __future__ import annotations

import asyncio
import re

from mockbackend.storage import Image, Storage
from tests.storage.contract.acts import answer, begun, end, ran, running, turn_of
from tests.storage.contract.engines import Engine

PNG = Image("image/png", b"\x89PNG\0content")


async def test_an_image_is_read_by_its_token(storage: Storage, other: Storage) -> None:
    token = await storage.images.put("ann", "c", PNG)
    assert await storage.images.get(token) == await other.images.get(token) == PNG
    assert await storage.images.get("none") is None
    assert await storage.images.get(token.swapcase()) is None
    large = Image("image/webp", bytes(range(256)) * 8192)
    assert await other.images.get(await storage.images.put("ann", "c", large)) == large
    empty = Image("image/gif", b"")
    assert await other.images.get(await storage.images.put("ann", "c", empty)) == empty


async def test_no_token_says_anything(storage: Storage) -> None:
    tokens = await asyncio.gather(*(storage.images.put("ann", "c", PNG) for _ in range(20)))
    assert len(set(tokens)) == 20
    assert all(re.fullmatch(r"[\w-]{32}", token) for token in tokens), "192 bits, as they stand in a URL"
    assert len({token[:4] for token in tokens}) == len({token[-4:] for token in tokens}) == 20


async def test_its_home_is_known_to_its_owner_alone(storage: Storage, other: Storage) -> None:
    token = await storage.images.put("ann", "c", PNG)
    assert await other.images.home("ann", token) == "c"
    assert await other.images.home("bob", token) is None
    assert await other.images.home("ann", "none") is None


async def test_discarded_images_are_gone(storage: Storage, other: Storage) -> None:
    first, second, kept = [await storage.images.put("ann", "c", PNG) for _ in range(3)]
    await storage.images.discard([])
    await other.images.discard([first, "none", second])
    await storage.images.discard([first])
    assert [await storage.images.get(token) for token in (first, second, kept)] == [None, None, PNG]
    assert await storage.images.home("ann", first) is None


async def test_what_no_message_holds_goes_with_its_process(engine: Engine, storage: Storage, other: Storage) -> None:
    theirs = await other.images.put("ann", "c", PNG)
    left = await storage.images.put("ann", "c", PNG)
    asked, answered = [await storage.images.put("ann", "c", PNG) for _ in range(2)]
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
    made, unused = [await storage.images.put("ann", "c", PNG) for _ in range(2)]
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
    token = await storage.images.put("ann", "c", PNG)
    await engine.crash_in_end(storage, turn, answer(turn, {"type": "picture", "token": token}))
    await other.images.clean()
    await other.turns.take_over(await running(other))
    await end(other, turn, {"type": "picture", "token": token})
    await other.images.clean()
    assert await other.images.get(token) == PNG
