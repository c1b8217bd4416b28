"""A connection that breaks after a commit: what was stored is asked again, and stored once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from psycopg import AsyncConnection, OperationalError

from mockbackend.settings import Settings
from mockbackend.storage import Conversation, Image, Turn
from mockbackend.storage.passages import Passage
from mockbackend.storage.postgres import PostgresStorage, open_postgres
from tests.storage.contract.acts import (
    ROOM,
    SPENT,
    answer,
    at_most,
    begun,
    end,
    log_of,
    message,
    ran,
    row_of,
    running,
    texts,
    turn_of,
)
from tests.storage.contract.files import ROOMY, claimed, put
from tests.storage.contract.passages import direction, holding, with_vectors
from tests.storage.postgres.rival import Rival


@pytest.fixture
async def storage(pooled_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PostgresStorage]:
    """A store that hears of everything only when it asks for the second time."""
    opened = await open_postgres(Settings(database_url=pooled_url))
    connection = opened.database._pool.connection
    heard = [True]

    @asynccontextmanager
    async def losing(*given: Any) -> AsyncIterator[AsyncConnection[Any]]:
        async with connection(*given) as one:
            yield one
        heard[0] = not heard[0]
        if not heard[0]:
            raise OperationalError("the connection is lost")

    monkeypatch.setattr(opened.database._pool, "connection", losing)
    yield opened
    await opened.close()


async def test_a_turn_is_claimed_and_ended_once(storage: PostgresStorage, other: PostgresStorage) -> None:
    placed: list[Turn] = []

    def place(conversation: Conversation) -> Turn:
        # Each placing makes another, as its callers do.
        new = [message("user", "t1", f"{len(placed)}?")]
        placed.append(Turn("ann", "c", "t1", f"answer-{len(placed)}", 1, "data", conversation.message_count, new))
        return placed[-1]

    row, claim = await storage.turns.begin("ann", "c", "Hello", place, limits=at_most(1), with_base=True)
    assert row is not None
    assert claim is not None
    assert (await running(other)).turn == claim.turn
    await storage.turns.write_logs([(claim.turn, b"[1]", SPENT)])
    await storage.turns.write_logs([(claim.turn, b"[1,2]", SPENT)])
    assert await log_of(other, claim.turn) == (b"[1,2]", False)
    await storage.turns.end(claim.turn, answer(claim.turn), b"[1,2,3]", SPENT)
    assert await log_of(other, claim.turn) == (b"[1,2,3]", True)
    second = turn_of("t2", base_length=2)
    assert len((await begun(storage, second)).base) == 2
    await end(storage, second)
    row = await row_of(other)
    third = turn_of("t3", base_length=2)
    assert await storage.turns.claim(third, row, "Edited", with_base=True, limits=at_most(1))
    await end(storage, third)
    assert await texts(other) == ["0?", "t1!", "t3?", "t3!"]
    row = await row_of(other)
    assert (row.title, row.version, row.message_count) == ("Edited", 3, 4)


async def test_a_turn_is_left_and_taken_over(storage: PostgresStorage, other: PostgresStorage, rival: Rival) -> None:
    await begun(other, turn_of())
    await other.turns.write_logs([(turn_of(), b"[1]", SPENT)])
    await rival.expire(other.processes.id)
    assert await storage.turns.take_over(await running(storage))
    await storage.turns.write_logs([(turn_of(), b"[1,2]", SPENT)])
    assert (await running(other)).log == b"[1,2]"
    await storage.turns.give_up(turn_of(), b"[1,2,3]", SPENT)
    left = await running(storage)
    assert (left.log, left.is_ours, left.is_alive) == (b"[1,2,3]", False, False)


async def test_a_conversation_is_changed_and_deleted(storage: PostgresStorage, other: PostgresStorage) -> None:
    made, claim = await storage.turns.begin("ann", "c", "x", lambda _: None, limits=at_most(1), with_base=True)
    assert (made, claim) == (await row_of(other), None)
    renamed = await storage.conversations.change("ann", "c", title="y", is_pinned=True)
    assert renamed == await row_of(other)
    assert await storage.conversations.hide("ann", "c")
    assert not await other.conversations.hide("ann", "c")
    await storage.conversations.erase("c")
    assert await other.conversations.hidden() == []
    assert await storage.login() == await other.login()


async def test_images_and_files_are_stored_once(storage: PostgresStorage, other: PostgresStorage, rival: Rival) -> None:
    image = Image("image/png", bytes(300_000))
    token = await storage.images.put("ann", "c", image, user_bytes=ROOM)
    assert await other.images.get(token) == image
    await ran(storage, turn_of(), {"type": "picture", "token": token})
    roomy = replace(ROOMY, user_bytes=ROOM)
    first, second = [await put(storage, content, limits=roomy) for content in (b"first", b"second")]
    await storage.files.receive("ann", "c", ROOMY).refuse("No.")
    assert len(await other.files.listing("ann")) == 3
    assert await claimed(storage) == "first"
    assert await storage.file_queue.ready(first.id, 1)
    assert await claimed(other) == "second"
    assert await other.file_queue.ready(second.id, 1)
    assert await storage.files.hide("ann", first.id)
    await storage.files.empty(first.id)
    await storage.files.forget(first.id)
    assert [file.status for file in await other.files.listing("ann")] == ["failed", "ready"]
    assert await rival.now("SELECT count(*) FROM pieces") == [(3,)]
    assert await rival.now("SELECT count(*) FROM uploads") == [(0,)]


async def test_passages_are_stored_once(storage: PostgresStorage, other: PostgresStorage) -> None:
    passages = storage.passages
    await passages.stage("a", "me", [Passage("one lamp"), Passage("two")])
    await passages.add_vectors("a", [(0, direction(1)), (1, direction(2))])
    await passages.publish("me", "a", "a.md")
    assert await holding(other.passages, "me", "lamp") == {"one lamp": 1}
    assert set(await with_vectors(other.passages, "me")) == {"one lamp", "two"}
    await passages.withdraw("me", "a")
    await passages.forget("a")
    assert await holding(other.passages, "me", "lamp") == {}
