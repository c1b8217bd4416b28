"""Two processes at once, ordered by hand: the second waits for the first, and sees what it has written."""

from __future__ import annotations

import asyncio

import pytest

from mockbackend.settings import Settings
from mockbackend.storage import Conversation, FileLimits, TooManyTurns, Turn
from mockbackend.storage.files import BYTES_PER_MS, MAX_BYTES
from mockbackend.storage.postgres import PostgresStorage, claims, database, open_postgres, schema
from mockbackend.storage.postgres.ending import end_statement
from mockbackend.storage.postgres.files import queue, upload
from mockbackend.storage.postgres.running import TAKE_OVER
from mockbackend.storage.postgres.turn_logs import Piece
from tests.storage.contract.acts import (
    SPENT,
    answer,
    at_most,
    begin,
    begun,
    conversation_of_two,
    end,
    log_of,
    row_of,
    running,
    texts,
    turn_of,
)
from tests.storage.contract.files import put
from tests.storage.postgres.rival import Rival


async def ending(rival: Rival, storage: PostgresStorage, turn: Turn) -> None:
    """The end of a turn of that process, before its commit."""
    messages = [*turn.new_messages, *answer(turn)]
    owner = storage.processes.id
    statement, _ = await end_statement(turn, messages, [], owner, Piece(9, 0, b"[9]"), SPENT, replaces=False)
    assert await rival.do(*statement)


async def test_a_turn_is_placed_behind_the_one_that_is_just_ending(
    storage: PostgresStorage, other: PostgresStorage, rival: Rival
) -> None:
    await begun(storage, turn_of())
    seen: list[int] = []

    def place(conversation: Conversation) -> Turn:
        seen.append(conversation.message_count)
        return turn_of("t2", base_length=conversation.message_count)

    await ending(rival, storage, turn_of())
    beginning = await rival.held_up(other.turns.begin("ann", "c", "Hello", place, limits=at_most(9), with_base=True))
    await rival.commit()
    _, claim = await beginning
    assert claim is not None
    assert seen == [0, 2]
    assert (claim.turn.base_length, len(claim.base)) == (2, 2)
    await end(other, claim.turn)
    assert await texts(storage) == ["t1?", "t1!", "t2?", "t2!"]


async def test_no_claim_goes_on_from_a_history_that_is_just_changing(
    storage: PostgresStorage, other: PostgresStorage, rival: Rival
) -> None:
    await conversation_of_two(storage)
    row = await row_of(other)
    await begun(storage, turn_of("t3", base_length=4))
    await ending(rival, storage, turn_of("t3", base_length=4))
    edited = turn_of("t4", base_length=2)
    claiming = await rival.held_up(other.turns.claim(edited, row, "Edited", with_base=True, limits=at_most(9)))
    await rival.commit()
    assert await claiming is None
    assert (await row_of(other)).title == "Hello"
    assert await other.turns.running("c") is None


async def test_an_end_and_a_claim_wait_for_each_other_in_one_order(
    storage: PostgresStorage, other: PostgresStorage, rival: Rival
) -> None:
    await begun(storage, turn_of())
    await rival.do(claims.HOME_LOCK, "c")
    ended = await rival.held_up(end(storage, turn_of()))
    # It holds the turn's row if it has taken that first, and then neither could go on.
    # Less than it takes to find a deadlock.
    await rival.do("SET LOCAL lock_timeout = '500ms'")
    await rival.do("SELECT 1 FROM turns WHERE turn_id = 't1' FOR UPDATE")
    await rival.commit()
    await ended
    assert await texts(other) == ["t1?", "t1!"]


async def test_of_two_first_turns_one_begins(storage: PostgresStorage, other: PostgresStorage, rival: Rival) -> None:
    await rival.all(*claims.make_statements("ann", Conversation("c", "Theirs", False, 1, 1, 0, 0), 9))
    beginning = await rival.held_up(begin(storage, turn_of(), title="Ours"))
    await rival.commit()
    row, claim = await beginning
    assert claim is not None
    assert row == Conversation("c", "Theirs", False, 1, 1, 0, 0)
    assert (await running(other)).turn == turn_of()


async def test_a_conversation_that_another_user_is_just_making_is_theirs(
    storage: PostgresStorage, rival: Rival
) -> None:
    await rival.all(*claims.make_statements("bob", Conversation("c", "Theirs", False, 1, 1, 0, 0), 9))
    beginning = await rival.held_up(begin(storage, turn_of()))
    await rival.commit()
    assert await beginning == (None, None)
    assert await storage.turns.unfinished() == []


async def test_the_turns_of_a_user_are_counted_one_claim_after_the_other(
    storage: PostgresStorage, other: PostgresStorage, rival: Rival
) -> None:
    theirs = turn_of("t1", "c1")
    conversation = Conversation("c1", "x", False, 1, 1, 0, 0)
    owner = other.processes.id
    claimed = await rival.all(
        claims.user_lock(claims.CLAIMING, "ann"),
        claims.claim_statement(theirs, conversation, "x", owner, at_most(1), is_new=True),
    )
    assert claimed == [(0, 0, True, False)]
    beginning = await rival.held_up(begin(storage, turn_of("t2", "c2"), running_limit=1))
    # Another user's claim waits for nobody.
    await begun(storage, turn_of("t3", "c3", userid="bob"), running_limit=1)
    await rival.commit()
    with pytest.raises(TooManyTurns):
        await beginning
    assert await storage.conversations.get("ann", "c2") is None


async def test_a_dead_turn_that_another_is_just_taking_over_is_not_taken_again(
    storage: PostgresStorage, other: PostgresStorage, rival: Rival
) -> None:
    await begun(storage, turn_of())
    await rival.expire(storage.processes.id)
    left = await running(other)
    assert not left.is_alive
    # Dead as well by the time that the other looks, or it could not be told from one that lives.
    assert await rival.do(TAKE_OVER, {"me": "a third process", "turn_id": "t1"}) == [(1,)]
    taking = await rival.held_up(other.turns.take_over(left))
    await rival.commit()
    assert await taking is False


async def test_a_deletion_takes_what_a_turn_is_just_writing(
    storage: PostgresStorage, other: PostgresStorage, rival: Rival
) -> None:
    await begun(storage, turn_of())
    await storage.conversations.hide("ann", "c")
    await ending(rival, storage, turn_of())
    erasing = await rival.held_up(other.conversations.erase("c"))
    await rival.commit()
    await erasing
    for table in ("conversations", "messages", "turns", "turn_logs"):
        assert await rival.now(f"SELECT * FROM {table}") == [], table


async def test_a_log_is_not_written_beside_the_end(
    storage: PostgresStorage, other: PostgresStorage, rival: Rival
) -> None:
    await begun(storage, turn_of())
    await ending(rival, storage, turn_of())
    writing = await rival.held_up(storage.turns.write_logs([(turn_of(), b"[1]", SPENT)]))
    await rival.commit()
    await writing
    assert await log_of(other, turn_of()) == (b"[9]", True)


async def test_two_claims_of_the_queue_take_two_files(
    storage: PostgresStorage, other: PostgresStorage, rival: Rival
) -> None:
    first, second = [await put(storage, content) for content in (b"first", b"second")]
    named = {"busy": [], "largest": MAX_BYTES, "pace": BYTES_PER_MS}
    claimed = await rival.do(queue._CLAIM, {**named, "worker": other.processes.id, "claim": "theirs"})
    assert claimed[0][0] == first.id
    claiming = asyncio.create_task(storage.file_queue.claim())
    await asyncio.wait([claiming], timeout=10)
    assert claiming.done(), "it waits"
    job = await claiming
    assert job is not None
    assert job.id == second.id
    assert await storage.file_queue.claim() is None


async def test_a_quota_is_counted_one_upload_after_the_other(
    storage: PostgresStorage, other: PostgresStorage, rival: Rival
) -> None:
    limits = FileLimits(file_bytes=100, user_files=1, user_bytes=100)
    theirs = other.files.receive("ann", "theirs", limits)
    await theirs.write(b"theirs")
    await theirs.end()
    stored = await rival.all(
        claims.user_lock(claims.STORING, "ann"), (upload._STORE, theirs._named("text", "text/plain"))
    )
    assert len(stored) == 1
    putting = await rival.held_up(put(storage, b"ours", limits=limits))
    assert (await put(storage, b"bobs", userid="bob", limits=limits)).status == "queued"
    await rival.commit()
    refused = await putting
    assert refused.status == "failed"
    assert "storage is full" in (refused.error or "")


@pytest.mark.slow
async def test_processes_that_start_at_once_make_one_schema(new_url: str) -> None:
    opened = await asyncio.gather(*(open_postgres(Settings(database_url=new_url)) for _ in range(6)))
    rows = await opened[0].database.execute("SELECT number FROM migrations")
    assert [number for (number,) in rows] == list(range(1, len(schema.MIGRATIONS) + 1))
    assert len({await one.login() for one in opened}) == 1
    for one in opened:
        await one.close()


@pytest.mark.slow
async def test_many_turns_in_few_conversations_lose_nothing(
    storage: PostgresStorage, other: PostgresStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A deadlock is not to be waited out.
    monkeypatch.setattr(database, "PATIENCE_SECONDS", 0.0)

    async def work(store: PostgresStorage, name: str, first: int) -> list[str]:
        turn_ids = [f"{name}-{number}" for number in range(12)]
        for home, turn_id in enumerate(turn_ids, first):
            await one_turn(store, turn_id, f"c{home % 3}")
        return turn_ids

    async def one_turn(store: PostgresStorage, turn_id: str, home: str) -> None:
        def place(row: Conversation) -> Turn:
            return turn_of(turn_id, home, base_length=row.message_count)

        while True:
            _, claim = await store.turns.begin("ann", home, "x", place, limits=at_most(99), with_base=False)
            if claim is not None:
                return await end(store, claim.turn)

    stores = {"a": storage, "b": other}
    async with asyncio.timeout(60):
        done = await asyncio.gather(
            *(work(stores[name], f"{name}{task}", task) for task in range(4) for name in stores)
        )
    said = [text for name in ("c0", "c1", "c2") for text in await texts(storage, name)]
    assert sorted(said) == sorted(f"{turn_id}{mark}" for turn_ids in done for turn_id in turn_ids for mark in "!?")
