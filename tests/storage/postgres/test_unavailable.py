"""A database that is not there: waited for, then reported, and used again as soon as it is back."""

from __future__ import annotations

import asyncio

import pytest

from mockbackend.settings import Settings
from mockbackend.storage import StorageError
from mockbackend.storage.postgres import PostgresStorage, database, open_postgres
from tests.harness.postgres import postgres
from tests.storage.contract.acts import begin, begun, end, ran, texts, turn_of

pytestmark = pytest.mark.slow


@pytest.fixture
def pooled_url(url: str) -> str:
    """None: what a database says itself is not what a pooler says of it."""
    return url


async def test_what_cannot_be_stored_is_a_storage_error(
    storage: PostgresStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "PATIENCE_SECONDS", 0.2)
    storage.database._pool.timeout = 0.2
    await ran(storage, turn_of())
    await begun(storage, turn_of("t2", base_length=2))
    await storage.probe(write=True)
    postgres().stop()
    try:
        for work in (
            begin(storage, turn_of("t3", "d")),
            storage.history.read("c"),
            end(storage, turn_of("t2", base_length=2)),
            storage.passages.read_snapshot(lambda snapshot: snapshot.owner("ann")),
            storage.probe(write=False),
        ):
            with pytest.raises(StorageError):
                await work
    finally:
        postgres().start()
    monkeypatch.undo()
    storage.database._pool.timeout = 10
    await storage.probe(write=True)
    await end(storage, turn_of("t2", base_length=2))
    assert await texts(storage) == ["t1?", "t1!", "t2?", "t2!"]


async def test_a_database_that_comes_back_is_waited_for(storage: PostgresStorage) -> None:
    await begun(storage, turn_of())
    postgres().stop()
    ending = asyncio.create_task(end(storage, turn_of()))
    await asyncio.wait([ending], timeout=0.5)
    assert not ending.done()
    postgres().start()
    await ending
    assert await texts(storage) == ["t1?", "t1!"]


async def test_a_table_that_is_gone_is_a_storage_error(new_url: str) -> None:
    storage = await open_postgres(Settings(database_url=new_url))
    await storage.database.execute("DROP TABLE messages")
    with pytest.raises(StorageError):
        await storage.probe(write=False)
    await storage.close()
