"""A database that refuses the connection for good: said at once, not waited for."""

from __future__ import annotations

import asyncio

import pytest

from mockbackend.settings import Settings
from mockbackend.storage.postgres import database, open_postgres
from tests.harness.postgres import postgres


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("/postgres?", "/missing?"), 'database "missing" does not exist'),
        (("postgres@", "missing@"), 'role "missing" does not exist'),
    ],
)
async def test_what_does_not_pass_is_not_waited_for(url: str, change: tuple[str, str], says: str) -> None:
    async with asyncio.timeout(database.PATIENCE_SECONDS / 2):
        with pytest.raises(OSError, match=says):
            await open_postgres(Settings(database_url=url.replace(*change, 1)))


async def test_a_direct_address_that_is_wrong_is_not_waited_for(new_url: str) -> None:
    direct = postgres().url("missing").replace("/postgres?", "/missing?")
    async with asyncio.timeout(database.PATIENCE_SECONDS / 2):
        with pytest.raises(OSError, match='database "missing" does not exist'):
            await open_postgres(Settings(database_url=new_url, database_direct_url=direct))
