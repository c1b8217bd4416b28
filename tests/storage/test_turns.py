"""The rows of turns, as the service uses them: begun, told from elsewhere, ended, forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from mockbackend.storage import Storage, open_storage
from mockbackend.storage.embedded.conversations import Conversation
from mockbackend.storage.embedded.turns import Turn


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    opened = await open_storage(tmp_path)
    yield opened
    await opened.close()


def turn_of(storage: Storage, name: str = "t1", base_length: int = 0) -> Turn:
    return Turn("c", name, "m", storage.turns.owner, 1, "data", base_length, [])


async def begun(storage: Storage, turn: Turn) -> Conversation:
    conversation, claim = await storage.turns.begin("ann", turn.conversation_id, "Hello", lambda conversation: turn)
    assert conversation
    assert claim
    return conversation


async def test_a_log_that_comes_late_leaves_a_turn_that_is_over_as_it_is(storage: Storage) -> None:
    turn = turn_of(storage)
    await begun(storage, turn)
    await storage.turns.write_logs([(turn, b"[1]")])
    await storage.turns.end(turn, ["hi", "hello"], [], b"[1, 2]")
    await storage.turns.write_logs([(turn, b"[1]")])
    assert await storage.turns.said(turn) == (b"[1, 2]", True)


async def test_a_turn_and_its_conversation_begin_together_or_not_at_all(storage: Storage) -> None:
    def refused(conversation: Conversation) -> Turn:
        raise ValueError("full")

    with pytest.raises(ValueError, match="full"):
        await storage.turns.begin("ann", "c", "Hello", refused)
    assert await storage.conversations.get("ann", "c") is None
    assert await storage.turns.said(turn_of(storage)) is None


async def test_one_turn_runs_at_a_time_and_the_next_is_told_from_what_the_last_has_made(storage: Storage) -> None:
    first = turn_of(storage)
    before = await begun(storage, first)
    second = turn_of(storage, "t2", base_length=2)
    _, claim = await storage.turns.begin("ann", "c", "Hello", lambda conversation: second)
    assert claim is None, "another runs"
    await storage.turns.end(first, ["hi", "hello"], [], b"[]")
    assert await storage.turns.claim("ann", second, before, "Edited") is None, "told from a row that is no longer so"
    after = await storage.conversations.get("ann", "c")
    assert after
    assert (after.message_count, after.title) == (2, "Hello")
    assert await storage.turns.claim("ann", second, after, "Edited")
    renamed = await storage.conversations.get("ann", "c")
    assert renamed
    assert renamed.title == "Edited"


async def test_a_beat_tells_of_stops_until_the_turn_is_over(storage: Storage) -> None:
    turn = turn_of(storage)
    await begun(storage, turn)
    assert await storage.turns.beat() == []
    await storage.turns.request_stop("c", "t1")
    assert await storage.turns.beat() == ["t1"]
    await storage.turns.end(turn, ["hi", "hello"], [], b"[]")
    assert await storage.turns.beat() == []


async def test_what_a_turn_has_said_is_told_also_once_the_next_has_begun(storage: Storage) -> None:
    first, second = turn_of(storage), turn_of(storage, "t2", base_length=2)
    await begun(storage, first)
    await storage.turns.write_logs([(first, b"[1]")])
    assert await storage.turns.said(first) == (b"[1]", False)
    await storage.turns.end(first, ["hi", "hello"], [], b"[1, 2]")
    await begun(storage, second)
    assert await storage.turns.said(first) == (b"[1, 2]", True)
    assert await storage.turns.said(second) == (b"[]", False)


async def test_a_long_search_holds_up_no_turn(storage: Storage) -> None:
    # "conversations" of one user, in which nothing is found: some megabytes are looked through.
    await storage.database.execute(
        """WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
        INSERT INTO said (conversation_id, position, text) SELECT 'c', i, hex(zeroblob(1000)) FROM n"""
    )
    await begun(storage, turn_of(storage))
    search = asyncio.create_task(storage.conversations.page("ann", limit=10, after=None, query="needle"))
    await asyncio.sleep(0)
    begins = asyncio.create_task(begun(storage, replace(turn_of(storage), conversation_id="d")))
    done, _ = await asyncio.wait({search, begins}, return_when=asyncio.FIRST_COMPLETED)
    assert done == {begins}
    assert await search == []
