"""Places for what takes long: so many for each user, so many in all."""

from __future__ import annotations

import asyncio

import pytest

from mockbackend.concurrency import Places


async def took(places: Places, userid: str) -> bool:
    """Whether a place is free; it is taken then."""
    try:
        async with asyncio.timeout(0.01):
            await places.take(userid)
    except TimeoutError:
        return False
    return True


async def test_a_user_has_so_many_and_all_have_so_many() -> None:
    places = Places(2, 3)
    assert [await took(places, user) for user in ("ann", "ann", "ann", "bob", "bob", "cy")] == [
        *(True, True, False, True, False, False),
    ]
    places.give_back("ann")
    assert await took(places, "cy")
    assert not await took(places, "bob")


async def test_a_waiter_that_gives_up_leaves_nothing_behind() -> None:
    places = Places(1, 1)
    async with places.one("ann"):
        assert not await took(places, "ann")
        assert not await took(places, "bob")
    assert await took(places, "bob")
    places.give_back("bob")
    assert await took(places, "ann")
    places.give_back("ann")
    assert places._shares == {}


async def test_work_that_fails_gives_its_place_back() -> None:
    places = Places(1, 1)
    with pytest.raises(ValueError, match="broken"):
        async with places.one("ann"):
            raise ValueError("broken")
    assert await took(places, "bob")
