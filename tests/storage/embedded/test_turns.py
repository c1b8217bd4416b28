"""The rows of turns on SQLite: what is done on which thread, and what is left where something fails in between."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from mockbackend.messages import Message
from mockbackend.storage.embedded import EmbeddedStorage, conversations
from mockbackend.storage.embedded.database import Session
from mockbackend.storage.embedded.sqlite import Execute, Row
from mockbackend.storage.embedded.turns import OVER_MS
from tests.storage.contract.acts import (
    SPENT,
    begin,
    begun,
    end,
    found,
    log_of,
    ran,
    row_of,
    running,
    texts,
    turn_of,
)


async def test_a_long_conversation_is_erased_in_pieces_which_another_process_may_end(
    storage: EmbeddedStorage, other: EmbeddedStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversations, "PIECE_SECONDS", -1.0)
    for number in range(4):
        await ran(storage, turn_of(f"t{number}", base_length=2 * number))
    await storage.conversations.hide("ann", "c")
    database, seen = storage.databases[-1], list[int]()
    transact = database.transact

    async def watched(work: Callable[[Execute], Any]) -> Any:
        result = await transact(work)
        seen.append(len(await other.history.read("c")))
        if seen[-1] == 4:
            await other.conversations.erase("c")
            # Its id is in use again: the pieces that follow are not of this one.
            await ran(other, turn_of("t4"))
        return result

    monkeypatch.setattr(database, "transact", watched)
    await storage.conversations.erase("c")
    assert list(dict.fromkeys(seen)) == [8, 6, 4, 2]
    assert await texts(storage) == ["t4?", "t4!"]
    assert await found(other, "t4!") == ["c"]
    assert await storage.conversations.hidden() == []


async def test_a_long_search_holds_up_no_turn(storage: EmbeddedStorage) -> None:
    # "conversations" of one user, in which nothing is found: some megabytes are looked through.
    await storage.databases[-1].execute(
        """WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8000)
        INSERT INTO words (key, text) SELECT (1 << 20) + i, hex(zeroblob(1000)) FROM n"""
    )
    await storage.databases[-1].execute("INSERT INTO numbers (number, conversation_id) VALUES (1, 'c')")
    await begun(storage, turn_of())
    search = asyncio.create_task(storage.conversations.page("ann", limit=10, after=None, query="needle"))
    await asyncio.sleep(0)
    begins = asyncio.create_task(begun(storage, turn_of("t2", "d")))
    done, _ = await asyncio.wait({search, begins}, return_when=asyncio.FIRST_COMPLETED)
    assert done == {begins}
    assert await search == []


async def test_a_row_is_forgotten_once_it_is_long_over(storage: EmbeddedStorage, other: EmbeddedStorage) -> None:
    turn = await ran(storage, turn_of())
    await begun(storage, turn_of("t2", "d"))
    await other.turns.beat()
    assert await log_of(storage, turn) is not None
    await storage.databases[-1].execute("UPDATE turns SET over_at = over_at - ?", OVER_MS + 1)
    await other.turns.beat()
    assert await log_of(storage, turn) is None
    assert (await running(storage, "d")).turn.turn_id == "t2"


async def test_a_begin_that_cannot_read_the_history_leaves_nothing(
    storage: EmbeddedStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ran(storage, turn_of())
    row = await row_of(storage)

    def read(*_: object) -> list[Message]:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(storage.turns._checkpoints, "read", read)
        with pytest.raises(sqlite3.OperationalError):
            await begin(storage, turn_of("t2", base_length=2))
    assert await storage.turns.running("c") is None
    assert await row_of(storage) == row
    await ran(storage, turn_of("t3", base_length=2))
    assert await texts(storage) == ["t1?", "t1!", "t3?", "t3!"]


async def test_an_end_that_fails_between_its_steps_can_be_done_again(storage: EmbeddedStorage) -> None:
    await ran(storage, turn_of())
    turn = turn_of("t2", base_length=2)
    await begun(storage, turn)
    metadata = storage.databases[-1]
    await metadata.execute("CREATE TRIGGER full BEFORE INSERT ON words BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    with pytest.raises(sqlite3.IntegrityError, match="disk full"):
        await end(storage, turn)
    assert (await row_of(storage)).version == 1
    assert await texts(storage) == ["t1?", "t1!", "t2?", "t2!"]
    await metadata.execute("DROP TRIGGER full")
    await end(storage, turn)
    assert await texts(storage) == ["t1?", "t1!", "t2?", "t2!"]
    assert ((await row_of(storage)).version, (await row_of(storage)).message_count) == (2, 4)


async def test_what_a_crash_in_the_end_has_written_stays(storage: EmbeddedStorage) -> None:
    await ran(storage, turn_of())
    turn = turn_of("t2", base_length=2)
    await begun(storage, turn)
    await end(storage, turn)
    await storage.databases[-1].execute("UPDATE turns SET over_at = NULL")
    await storage.turns.end(turn, [], b"[]", SPENT)
    assert await texts(storage) == ["t1?", "t1!", "t2?", "t2!"]


async def test_no_claim_and_no_beat_reads_the_logs_of_all_that_runs(
    storage: EmbeddedStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a thousand answers of 20 kB a claim took 16 ms, and 1 ms without."""
    asked: list[tuple[str, tuple[Any, ...]]] = []
    execute = Session.execute

    def recorded(session: Session, statement: str, *values: Any) -> list[Row]:
        asked.append((statement, values))
        return execute(session, statement, *values)

    with monkeypatch.context() as patch:
        patch.setattr(Session, "execute", recorded)
        await begun(storage, turn_of())
        await storage.turns.beat()
    of_all = [one for one in asked if re.search(r"FROM turns\s+WHERE (userid|owner)", one[0])]
    assert len(of_all) == 2
    for statement, values in of_all:
        ((*_, plan),) = await storage.databases[-1].execute(f"EXPLAIN QUERY PLAN {statement}", *values)
        assert "COVERING INDEX turns_running" in plan
