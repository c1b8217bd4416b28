"""The login that the store makes where none is configured."""

from __future__ import annotations

import asyncio

from mockbackend.storage import Storage
from tests.storage.contract.engines import Engine, NewEngine


async def test_all_processes_have_the_same(engine: Engine, storage: Storage, other: Storage) -> None:
    logins = await asyncio.gather(*(one.login() for one in [storage, other] * 4))
    assert len(set(logins)) == 1
    await engine.crash(storage)
    await engine.stop(other)
    again = await engine.open()
    assert await again.login() == logins[0]


async def test_it_is_a_user_and_a_password_that_nobody_guesses(storage: Storage, new_engine: NewEngine) -> None:
    user, _, password = (await storage.login()).partition(":")
    assert user
    assert len(password) >= 16
    elsewhere = new_engine()
    assert (await (await elsewhere.open()).login()).partition(":")[2] != password
    await elsewhere.close()
