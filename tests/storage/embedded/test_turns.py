"""The rows of turns, as the service uses them: begun, told from elsewhere, ended, forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from mockbackend.messages import Message
from mockbackend.storage import Claim, Conversation, Turn
from mockbackend.storage.embedded import EmbeddedStorage, open_embedded


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[EmbeddedStorage]:
    opened = await open_embedded(tmp_path)
    yield opened
    await opened.close()


def turn_of(name: str = "t1", base_length: int = 0) -> Turn:
    return Turn("ann", "c", name, "m", 1, "data", base_length, [message("user", name)])


def message(role: Literal["user", "assistant"], turn: str) -> Message:
    return {"id": f"{role} {turn}", "role": role, "turn": turn, "at": 1, "parts": [{"type": "text", "text": "Hello"}]}


async def end(storage: EmbeddedStorage, turn: Turn, log: bytes) -> None:
    await storage.turns.end(turn, [message("assistant", turn.turn_id)], log)


Begun = tuple[Conversation | None, Claim | None]


async def begin(storage: EmbeddedStorage, place: Callable[[Conversation], Turn | None], name: str = "c") -> Begun:
    return await storage.turns.begin("ann", name, "Hello", place, most_running=20, with_base=True)


async def begun(storage: EmbeddedStorage, turn: Turn) -> Conversation:
    conversation, claim = await begin(storage, lambda _: turn, turn.conversation_id)
    assert conversation
    assert claim
    return conversation


async def test_a_log_that_comes_late_leaves_a_turn_that_is_over_as_it_is(storage: EmbeddedStorage) -> None:
    turn = turn_of()
    await begun(storage, turn)
    await storage.turns.write_logs([(turn, b"[1]")])
    await end(storage, turn, b"[1, 2]")
    await storage.turns.write_logs([(turn, b"[1]")])
    assert await storage.turns.log(turn) == (b"[1, 2]", True)


async def test_a_turn_and_its_conversation_begin_together_or_not_at_all(storage: EmbeddedStorage) -> None:
    def refused(conversation: Conversation) -> Turn:
        raise ValueError("full")

    with pytest.raises(ValueError, match="full"):
        await begin(storage, refused)
    assert await storage.conversations.get("ann", "c") is None
    assert await storage.turns.log(turn_of()) is None


async def test_one_turn_runs_at_a_time_and_the_next_is_told_from_what_the_last_has_made(
    storage: EmbeddedStorage,
) -> None:
    first = turn_of()
    before = await begun(storage, first)
    second = turn_of("t2", base_length=2)
    _, claim = await storage.turns.begin(
        "ann", "c", "Hello", lambda conversation: second, most_running=20, with_base=True
    )
    assert claim is None, "another runs"
    await end(storage, first, b"[]")
    assert await storage.turns.claim(second, before, "Edited", [], most_running=20) is None, (
        "told from a row that is no longer so"
    )
    after = await storage.conversations.get("ann", "c")
    assert after
    assert (after.message_count, after.title) == (2, "Hello")
    assert await storage.turns.claim(second, after, "Edited", [], most_running=20)
    renamed = await storage.conversations.get("ann", "c")
    assert renamed
    assert renamed.title == "Edited"


async def test_a_beat_tells_of_stops_until_the_turn_is_over(storage: EmbeddedStorage) -> None:
    turn = turn_of()
    await begun(storage, turn)
    assert await storage.turns.beat() == []
    await storage.turns.request_stop(turn)
    assert await storage.turns.beat() == ["t1"]
    await end(storage, turn, b"[]")
    assert await storage.turns.beat() == []


async def test_what_a_turn_has_said_is_told_also_once_the_next_has_begun(storage: EmbeddedStorage) -> None:
    first, second = turn_of(), turn_of("t2", base_length=2)
    await begun(storage, first)
    await storage.turns.write_logs([(first, b"[1]")])
    assert await storage.turns.log(first) == (b"[1]", False)
    await end(storage, first, b"[1, 2]")
    await begun(storage, second)
    assert await storage.turns.log(first) == (b"[1, 2]", True)
    assert await storage.turns.log(second) == (b"[]", False)


async def test_a_long_search_holds_up_no_turn(storage: EmbeddedStorage) -> None:
    # "conversations" of one user, in which nothing is found: some megabytes are looked through.
    await storage.databases[-1].execute(
        """WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
        INSERT INTO said (conversation_id, position, text) SELECT 'c', i, hex(zeroblob(1000)) FROM n"""
    )
    await begun(storage, turn_of())
    search = asyncio.create_task(storage.conversations.page("ann", limit=10, after=None, query="needle"))
    await asyncio.sleep(0)
    begins = asyncio.create_task(begun(storage, replace(turn_of(), conversation_id="d")))
    done, _ = await asyncio.wait({search, begins}, return_when=asyncio.FIRST_COMPLETED)
    assert done == {begins}
    assert await search == []
