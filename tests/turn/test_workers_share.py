"""Two processes on one data folder: one turn at a time, stop and join reach across, a dead one holds nothing."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.harness.answers import Stream, chat, codes_of, joining, posting, text_of
from tests.harness.data_folder import rows
from tests.harness.emulator import Emulator
from tests.harness.examples import examples
from tests.harness.service import Server
from tests.harness.waiting import until
from tests.harness.world import World
from tests.turn.script import WORDS
from tests.turn.test_stop import aborted, stop, stored
from tests.turn.valid import is_incomplete


@dataclass(frozen=True)
class Pair:
    """A client of each of the two, and what they share."""

    one: httpx2.AsyncClient
    other: httpx2.AsyncClient
    first: World


@pytest.fixture(scope="module")
def servers(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """Two servers on one folder, started at the same time."""
    folder = tmp_path_factory.mktemp("shared")
    with (
        Server(folder, emulator.settings(image="gpt-image-1"), data_dir=folder / "data") as one,
        Server(folder, emulator.settings(image="gpt-image-1"), data_dir=folder / "data") as other,
    ):
        yield one, other


@pytest.fixture
async def pair(
    servers: tuple[Server, Server], emulator: Emulator, request: pytest.FixtureRequest
) -> AsyncIterator[Pair]:
    """Both, as one user of this test."""
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(server.client(request.node.name)) for server in servers]
        yield Pair(one, other, World(emulator, servers[0]))


@pytest.mark.slow
async def test_a_join_reaches_across(pair: Pair) -> None:
    async with posting(pair.one, "time, then slowly: across") as stream:
        called = await stream.until("9")
        await stream.until("0")
        async with joining(pair.other, stream.conversation_id) as joined:
            assert await joined.until("f")
            assert await joined.until("9") == called
            assert await joined.until("0")
            await joined.until("0")
            await stop(pair.one, stream.conversation_id)
            here, there = await stream.rest(), await joined.rest()
        assert codes_of(there).endswith("2ed")
        assert there[-2:] == here[-2:]


async def test_the_whole_answer_is_read_across(pair: Pair) -> None:
    async with posting(pair.one, "paint a fox, across") as stream:
        async with pair.other.stream("GET", f"/chat/{stream.conversation_id}/stream") as response:
            # Too late is possible, too little is not.
            if response.status_code == 200:
                heard = (await response.aread()).decode()
                assert "Here it is." in heard.replace('"\n0:"', "")
                assert heard.rstrip().splitlines()[-1].startswith("d:")
        await stream.rest()


@pytest.mark.slow
async def test_a_join_across_ends_well_where_the_next_message_follows_at_once(pair: Pair) -> None:
    async def follow(conversation_id: str) -> str:
        async with joining(pair.other, conversation_id) as joined:
            await joined.until("0")
            following.set()
            return codes_of(await joined.rest())

    for number in range(examples(4)):
        following = asyncio.Event()
        async with posting(pair.one, f"count to ten, for the {number}th time", id="at-once") as stream:
            await stream.until("0")
            joined = asyncio.create_task(follow("at-once"))
            await asyncio.wait_for(following.wait(), 10)
            heard = await stream.rest()
        answer = await chat(pair.one, {"id": "at-once", "message": f"and on, {number}"})
        assert answer.text == f"You said: and on, {number}"
        assert codes_of(heard) == "0ed"
        assert (await joined).lstrip("0") == "ed"


@pytest.mark.slow
async def test_what_is_read_while_turns_run_ends_with_a_question_or_an_answer(pair: Pair) -> None:
    async def say() -> None:
        for number in range(examples(15)):
            assert (await chat(pair.one, {"id": "moments", "message": f"{number}"})).status == 200

    await chat(pair.one, {"id": "moments", "message": "first"})
    async with asyncio.TaskGroup() as group:
        saying = group.create_task(say())
        while not saying.done():
            read = (await pair.other.get("/conversations/moments")).json()
            roles = [message["role"] for message in read["messages"]]
            assert roles == (["user", "assistant"] * len(roles))[: len(roles)]


async def test_a_stop_reaches_across(pair: Pair) -> None:
    async with posting(pair.one, "speak slowly: stopped across") as stream:
        heard = [("0", await stream.until("0"))]
        async with asyncio.timeout(3):
            row = await stop(pair.other, stream.conversation_id)
        heard += await stream.rest()
        assert codes_of(heard) == "02ed"
        await aborted(pair.first, "speak slowly: stopped across")
    for client in (pair.one, pair.other):
        read = await stored(client, row["id"])
        assert read["messages"][1]["content"] == text_of(heard)
        assert is_incomplete(read["messages"][1])


async def test_one_turn_at_a_time_across(pair: Pair) -> None:
    async with posting(pair.one, "speak slowly: alone across") as stream:
        await stream.until("0")
        refused = await chat(pair.other, {"id": stream.conversation_id, "message": "me too"})
        assert (refused.status, refused.json()["error"]["code"]) == (409, "conflict")
        await stop(pair.other, stream.conversation_id)
    answer = await chat(pair.other, {"id": stream.conversation_id, "message": "now me"})
    assert answer.text == "You said: now me"


@pytest.mark.slow
async def test_an_abort_here_and_the_next_message_there_may_cross(pair: Pair) -> None:
    for number in range(times := examples(10)):
        async with posting(pair.one, f"speak slowly: crossing {number}", id="crossing") as stream:
            await stream.until("0")
            following = asyncio.create_task(chat(pair.other, {"id": "crossing", "message": f"instead of {number}"}))
        assert (await following).text == f"You said: instead of {number}"
    assert (await stored(pair.other, "crossing"))["message_count"] == 4 * times


@pytest.mark.slow
async def test_turns_taken_by_both_at_once_lose_nothing(pair: Pair) -> None:
    async def say(client: httpx2.AsyncClient, name: str) -> int:
        taken = 0
        for number in range(times):
            answer = await chat(client, {"id": "both-at-once", "message": f"{name} {number}"})
            assert answer.status in (200, 409)
            taken += answer.status == 200
        return taken

    times = examples(15)
    taken = sum(await asyncio.gather(say(pair.one, "one"), say(pair.other, "other")))
    assert taken >= times
    here, there = await stored(pair.one, "both-at-once"), await stored(pair.other, "both-at-once")
    assert here == there
    assert here["message_count"] == 2 * taken


async def test_deleting_across_ends_the_answer(pair: Pair) -> None:
    async with posting(pair.one, "speak slowly: deleted across") as stream:
        await stream.until("0")
        assert (await pair.other.delete(f"/conversations/{stream.conversation_id}")).status_code == 204
        assert codes_of(await stream.rest()).endswith("2ed")
    assert (await pair.one.get(f"/conversations/{stream.conversation_id}")).status_code == 404
    data = pair.first.server.data_dir
    assert rows(data, "SELECT count(*) FROM turns WHERE conversation_id = ?", stream.conversation_id) == [(0,)]


async def test_rows_of_turns_that_are_over_are_forgotten(pair: Pair) -> None:
    await chat(pair.one, {"message": "soon forgotten"})

    async def none() -> bool:
        return rows(pair.first.server.data_dir, "SELECT count(*) FROM turns") == [(0,)]

    await until(none)


@pytest.mark.slow
async def test_a_joiner_of_a_killed_process_gets_the_recovered_end(
    emulator: Emulator, servers: tuple[Server, Server]
) -> None:
    data = servers[0].data_dir
    with Server(data.parent, emulator.settings(image="gpt-image-1"), data_dir=data) as doomed:
        async with doomed.client("killed") as client, servers[0].client("killed") as survivor:
            async with posting(client, "speak slowly: killed") as stream:
                await stream.until("0")
                async with joining(survivor, stream.conversation_id) as joined:
                    heard = [("0", await joined.until("0"))]
                    doomed.kill()
                    heard += await joined.rest()
                with pytest.raises(httpx2.TransportError):
                    await stream.rest()
            assert codes_of(heard).endswith("2ed")
            answer = (await stored(survivor, stream.conversation_id))["messages"][1]
            assert answer["content"] == text_of(heard)
            assert "".join(WORDS).startswith(answer["content"])
            assert is_incomplete(answer)


@pytest.mark.slow
async def test_the_first_request_after_a_kill_finds_the_conversation_free(
    emulator: Emulator, servers: tuple[Server, Server]
) -> None:
    data = servers[0].data_dir
    begun: dict[str, str] = {}
    with Server(data.parent, emulator.settings(image="gpt-image-1"), data_dir=data) as doomed:
        async with doomed.client("after a kill") as client, AsyncExitStack() as stack:
            for first in ("POST", "GET", "join", "stop", "delete"):
                stream = await stack.enter_async_context(posting(client, f"speak slowly: before {first}"))
                await stream.until("0")
                begun[first] = stream.conversation_id
            doomed.kill()
    async with servers[1].client("after a kill") as survivor, asyncio.timeout(5):
        for first, conversation_id in begun.items():
            match first:
                case "GET":
                    assert len((await stored(survivor, conversation_id))["messages"]) == 2
                case "join":
                    assert (await survivor.get(f"/chat/{conversation_id}/stream")).status_code == 204
                case "stop":
                    assert (await stop(survivor, conversation_id))["message_count"] == 2
                case "delete":
                    assert (await survivor.delete(f"/conversations/{conversation_id}")).status_code == 204
            answer = await chat(survivor, {"id": conversation_id, "message": "free?"})
            assert answer.text == "You said: free?", first
            count = 2 if first == "delete" else 4
            assert (await stored(survivor, conversation_id))["message_count"] == count


@pytest.mark.slow
async def test_a_joiner_whose_row_vanishes_is_told_the_end(pair: Pair) -> None:
    async with posting(pair.one, "speak slowly: vanishing") as stream:
        await stream.until("0")
        async with joining(pair.other, stream.conversation_id) as joined:
            heard = [("0", await joined.until("0"))]
            data = pair.first.server.data_dir
            # What a third process does that folds the turn in, and forgets its row, between two looks of ours.
            change(data, "DELETE FROM turns WHERE conversation_id = ?", stream)
            heard += await joined.rest()
        assert codes_of(heard).endswith("3ed")
        assert "reload" in next(value for code, value in heard if code == "3")
        await stop(pair.one, stream.conversation_id)


def change(data: Path, statement: str, stream: Stream) -> None:
    """Change a turn's row behind everybody's back."""
    with closing(sqlite3.connect(data / "conversation_metadata.db", timeout=10)) as connection, connection:
        assert connection.execute(statement, (stream.conversation_id,)).rowcount == 1
