"""A schema with nothing in it, and what two processes have open on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from mockbackend.settings import Settings
from mockbackend.storage.postgres import PostgresStorage, open_postgres
from tests.harness.postgres import postgres
from tests.storage.postgres.rival import Rival


@pytest.fixture
def url() -> Iterator[str]:
    with postgres().schema() as schema:
        yield postgres().url(schema)


@pytest.fixture
def new_url() -> str:
    """Of a schema that nobody has made tables in."""
    return postgres().url(postgres().new_schema())


@pytest.fixture
async def storage(url: str) -> AsyncIterator[PostgresStorage]:
    opened = await open_postgres(Settings(database_url=url))
    yield opened
    await opened.close()


@pytest.fixture
async def other(url: str, storage: PostgresStorage) -> AsyncIterator[PostgresStorage]:
    """What another process has open."""
    opened = await open_postgres(Settings(database_url=url))
    yield opened
    await opened.close()


@pytest.fixture
async def rival(url: str, storage: PostgresStorage) -> AsyncIterator[Rival]:
    """A connection whose transaction the test commits."""
    async with Rival(url) as opened:
        yield opened
