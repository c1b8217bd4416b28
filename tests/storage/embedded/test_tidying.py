"""The write-ahead logs go into the databases while no turn has to wait for it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from mockbackend.storage.embedded import EmbeddedStorage
from mockbackend.storage.embedded.database import Session
from mockbackend.storage.embedded.tidying import ENDS, SAVER_ENDS
from tests.storage.contract.acts import begun, end, ran, turn_of


async def in_databases(storage: EmbeddedStorage) -> list[int]:
    """How many conversations each database has without its log."""
    # Behind whatever its thread has been given.
    await storage.databases[-1].execute("SELECT 1")
    counts = []
    for name, table in (("conversation_metadata.db", "conversations"), ("mock-langgraph-db.db", "checkpoints")):
        with closing(sqlite3.connect(f"file:{storage.folder / name}?immutable=1", uri=True)) as database:
            [(count,)] = database.execute(f"SELECT count(*) FROM {table}")
            counts.append(count)
    return counts


async def test_turns_one_after_the_other_have_theirs_put_in_now_and_then(storage: EmbeddedStorage) -> None:
    seen = []
    for number in range(SAVER_ENDS):
        await ran(storage, turn_of(f"t{number}", f"c{number}"))
        seen.append(await in_databases(storage))
    assert seen[ENDS - 2] == [0, 0]
    assert seen[ENDS - 1] == seen[2 * ENDS - 2] == [ENDS, 0]
    assert seen[SAVER_ENDS - 2] == [2 * ENDS, 0]
    assert seen[SAVER_ENDS - 1] == [SAVER_ENDS, SAVER_ENDS]


async def test_a_turn_that_runs_has_those_of_others_wait_for_its_end(storage: EmbeddedStorage) -> None:
    await begun(storage, turn_of("long", "long"))
    for number in range(SAVER_ENDS):
        await ran(storage, turn_of(f"t{number}", f"c{number}"))
    assert await in_databases(storage) == [0, 0]
    await end(storage, turn_of("long", "long"))
    assert await in_databases(storage) == [SAVER_ENDS + 1, SAVER_ENDS + 1]


@pytest.fixture
def posted(storage: EmbeddedStorage, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what the metadata database's thread does that nobody waits for."""
    database, names = storage.databases[-1], list[str]()
    post = database.post

    def watched(work: Callable[[Session], None]) -> None:
        names.append(work.__name__)
        post(work)

    monkeypatch.setattr(database, "post", watched)
    return names


async def test_of_turns_that_end_together_the_last_tidies_up(storage: EmbeddedStorage, posted: list[str]) -> None:
    turns = [turn_of(f"t{number}", f"c{number}") for number in range(2 * ENDS)]
    for turn in turns:
        await begun(storage, turn)
    await asyncio.gather(*(end(storage, turn) for turn in turns))
    assert posted == ["_tidy"]


async def test_a_turn_that_begins_does_not_wait_for_it(storage: EmbeddedStorage, posted: list[str]) -> None:
    for number in range(ENDS - 1):
        await ran(storage, turn_of(f"t{number}", f"c{number}"))
    await begun(storage, turn_of("last", "last"))
    await asyncio.gather(end(storage, turn_of("last", "last")), begun(storage, turn_of("next", "next")))
    assert posted == []
    await end(storage, turn_of("next", "next"))
    assert posted == ["_tidy"]


async def test_a_log_stays_short_while_a_turn_runs_for_long(storage: EmbeddedStorage, tmp_path: Path) -> None:
    await begun(storage, turn_of("long", "long"))
    for number in range(120):
        await ran(storage, turn_of(f"t{number}", f"c{number}"))
    # About two thousand pages have been written, and a thousand are held.
    assert (tmp_path / "conversation_metadata.db-wal").stat().st_size < 5 * 1024 * 1024
    assert (await in_databases(storage))[0] > 0
