"""A schema with nothing in it, and what two processes have open on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from mockbackend.settings import Settings
from mockbackend.storage.postgres import PostgresStorage, open_postgres
from tests.harness.pgbouncer import pooled
from tests.harness.postgres import postgres
from tests.storage.postgres.rival import Rival

# As many as three processes have.
CONNECTIONS = 40


@pytest.fixture(scope="module")
def schema() -> Iterator[str]:
    with postgres().schema() as schema:
        yield schema


@pytest.fixture(scope="module")
def pooler(schema: str) -> Iterator[str]:
    """Its address behind a pooler, which keeps the connections of one test for the next."""
    with pooled(schema, CONNECTIONS, "session") as url:
        yield url


@pytest.fixture
def url(schema: str) -> Iterator[str]:
    """Its address, with nothing in it."""
    yield postgres().url(schema)
    postgres().empty(schema)


@pytest.fixture
def pooled_url(url: str, pooler: str) -> str:
    return pooler


@pytest.fixture
def new_url() -> str:
    """Of a schema that nobody has made tables in."""
    return postgres().url(postgres().new_schema())


@pytest.fixture
async def storage(pooled_url: str) -> AsyncIterator[PostgresStorage]:
    opened = await open_postgres(Settings(database_url=pooled_url))
    yield opened
    await opened.close()


@pytest.fixture
async def other(pooled_url: str, storage: PostgresStorage) -> AsyncIterator[PostgresStorage]:
    """What another process has open."""
    opened = await open_postgres(Settings(database_url=pooled_url))
    yield opened
    await opened.close()


@pytest.fixture
async def rival(url: str, storage: PostgresStorage) -> AsyncIterator[Rival]:
    """A connection whose transaction the test commits."""
    async with Rival(url) as opened:
        yield opened
