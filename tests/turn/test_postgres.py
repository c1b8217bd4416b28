"""Services that share a PostgreSQL database and nothing else, as on several hosts."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psycopg
import pytest

from mockbackend.errors import TAKEN_OVER
from mockbackend.storage.postgres.processes import LEASE_SECONDS
from tests.documents.waiting import over, uploaded
from tests.harness.answers import chat, codes_of, joining, posting, text_of
from tests.harness.postgres import postgres
from tests.harness.processes import free_port, run
from tests.harness.waiting import until
from tests.harness.world import World
from tests.turn.conftest import NewWorld
from tests.turn.test_stop import aborted, stop, stored
from tests.turn.valid import is_incomplete

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Pair:
    """Two services, and a client of each."""

    first: World
    second: World
    one: httpx2.AsyncClient
    other: httpx2.AsyncClient


@pytest.fixture
def url() -> str:
    return postgres().url(postgres().new_schema())


@pytest.fixture
async def pair(url: str, new_world: NewWorld) -> AsyncIterator[Pair]:
    first, second = [new_world({"DATABASE_URL": url}, kind="serve") for _ in range(2)]
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(world.server.client()) for world in (first, second)]
        yield Pair(first, second, one, other)
    assert "Traceback" not in first.server.log + second.server.log


async def test_a_conversation_goes_on_in_another_process(pair: Pair) -> None:
    assert (await chat(pair.one, {"id": "a", "message": "Hello"})).text == "You said: Hello"
    painted = await chat(pair.other, {"id": "a", "message": "paint a fox"})
    assert painted.text.endswith("Here it is.")
    history = await stored(pair.one, "a")
    assert [message["content"] for message in history["messages"][:3]] == ["Hello", "You said: Hello", "paint a fox"]
    asked = pair.second.emulator.call("paint a fox")["body"]["messages"]
    assert [message["content"] for message in asked][:3] == ["Hello", "You said: Hello", "paint a fox"]
    for client in (pair.one, pair.other):
        assert [row["id"] for row in (await client.get("/conversations?q=HELLO")).json()] == ["a"]
    # Nothing is stored anywhere else.
    assert not pair.first.server.data_dir.exists()
    assert (await pair.one.delete("/conversations/a")).status_code == 204
    assert (await pair.other.get("/conversations/a")).status_code == 404


async def test_a_join_and_a_stop_reach_across(pair: Pair) -> None:
    async with posting(pair.one, "speak slowly: on two hosts", id="a") as stream:
        heard = [("0", await stream.until("0"))]
        refused = await chat(pair.other, {"id": "a", "message": "me too"})
        assert (refused.status, refused.json()["error"]["code"]) == (409, "conflict")
        assert refused.headers["retry-after"] == "1"
        async with joining(pair.other, "a") as joined:
            await joined.until("0")
            await stop(pair.other, "a")
            heard += await stream.rest()
            there = await joined.rest()
        await aborted(pair.first, "speak slowly: on two hosts")
    assert codes_of(heard) == "02ed"
    assert there[-2:] == heard[-2:]
    read = await stored(pair.other, "a")
    assert read["messages"][1]["content"] == text_of(heard)
    assert is_incomplete(read["messages"][1])


async def test_an_answer_of_a_killed_process_of_this_host_is_settled_at_once(pair: Pair) -> None:
    async with posting(pair.one, "speak slowly: killed", id="a") as stream:
        await stream.until("0")
        async with joining(pair.other, "a") as joined:
            word = await joined.until("0")
            pair.first.server.kill()
            assert codes_of(await joined.rest())[-2:] == "ed"
    # Its lease has not run out.
    async with asyncio.timeout(5):
        assert (await chat(pair.other, {"id": "a", "message": "go on"})).text == "You said: go on"
    read = await stored(pair.other, "a")
    assert read["messages"][1]["content"].startswith(word)
    assert is_incomplete(read["messages"][1])


async def test_a_stalled_process_tells_its_client_that_the_turn_was_taken_over(pair: Pair) -> None:
    """Of two turns the one has words to come, and the model falls silent in the other."""
    async with (
        posting(pair.one, "speak slowly: stalled", id="a") as speaking,
        posting(pair.one, "fall silent: stalled", id="b") as silent,
    ):
        words = {"a": await speaking.until("0"), "b": await silent.until("0") + await silent.until("0")}
        for name in ("a", "b"):
            # What another process has heard is written.
            async with joining(pair.other, name) as joined:
                assert (await joined.until("0")).startswith(words[name])
        pair.first.server.signal(signal.SIGSTOP)
        refused = await chat(pair.other, {"id": "a", "message": "too early"})
        assert (refused.status, refused.json()["error"]["code"]) == (409, "conflict")
        assert refused.headers["retry-after"] == "1"
        # Until its lease has run out.
        async with asyncio.timeout(LEASE_SECONDS + 10):
            for name in ("a", "b"):
                while (answer := await chat(pair.other, {"id": name, "message": "go on"})).status == 409:
                    pass
                assert answer.text == "You said: go on"
        settled = {name: await stored(pair.other, name) for name in ("a", "b")}
        pair.first.server.signal(signal.SIGCONT)
        async with asyncio.timeout(10):
            heard = {"a": await speaking.rest(), "b": await silent.rest()}
        # It stops the model call by its own clock.
        await aborted(pair.first, "fall silent: stalled")
    for name in ("a", "b"):
        read = await stored(pair.one, name)
        # It serves on, and has changed nothing.
        assert read == settled[name]
        assert [message["content"] for message in read["messages"][2:]] == ["go on", "You said: go on"]
        assert is_incomplete(read["messages"][1])
        kept, said = read["messages"][1]["content"], words[name] + text_of(heard[name])
        assert kept.startswith(words[name])
        assert said.startswith(kept)
        if said == kept:
            # Nothing is wrong for this client.
            assert codes_of(heard[name]).lstrip("0").replace("2", "") in ("3ed", "e3d")
        else:
            # Found out by its own clock, or as the end was to be stored.
            assert codes_of(heard[name]).lstrip("0").replace("2", "") in ("3ed", "e3d")
            assert ("3", TAKEN_OVER) in heard[name]
        assert (await chat(pair.one, {"id": name, "message": "and on"})).text == "You said: and on"


async def test_a_turn_whose_process_could_not_prove_that_it_lives_is_not_called_stopped(pair: Pair, url: str) -> None:
    async with posting(pair.one, "fall silent: lapsed", id="a") as stream:
        words = await stream.until("0") + await stream.until("0")
        with psycopg.connect(url) as connection:
            connection.execute("LOCK TABLE processes IN ACCESS EXCLUSIVE MODE")
            async with asyncio.timeout(LEASE_SECONDS + 10):
                heard = await stream.rest()
    # After a keep-alive, perhaps.
    assert codes_of(heard).lstrip("2") == "3ed"
    assert heard[-3][1] == TAKEN_OVER
    assert heard[-1][1]["finishReason"] == "error"
    read = await stored(pair.other, "a")
    # Nobody had taken it over: what was said is stored.
    assert read["messages"][1]["content"] == words
    assert is_incomplete(read["messages"][1])
    assert (await chat(pair.one, {"id": "a", "message": "go on"})).text == "You said: go on"


async def test_a_crash_of_the_database_is_waited_out(pair: Pair) -> None:
    async with posting(pair.one, "count to ten", id="a") as stream:
        await stream.until("0")
        postgres().crash()
        heard = await stream.rest()
    assert codes_of(heard).lstrip("0") == "ed"
    assert heard[-1][1]["finishReason"] == "stop"
    read = await stored(pair.other, "a")
    assert read["messages"][1]["content"] == "".join(f"{number} " for number in range(1, 11))
    assert not is_incomplete(read["messages"][1])


async def test_a_deletion_that_the_database_cut_short_is_finished_once_it_works(pair: Pair, url: str) -> None:
    await chat(pair.one, {"id": "a", "message": "Hello"})
    file = await over(pair.one, await uploaded(pair.one, "lamp.md", b"The zebra lamp."))
    with psycopg.connect(url, autocommit=True) as connection:
        for table in ("messages", "pieces"):
            connection.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
        assert (await pair.one.delete("/conversations/a")).status_code == 503
        assert (await pair.one.delete(f"/files/{file['id']}")).status_code == 204
        for table in ("conversations", "files"):
            assert len(connection.execute(f"SELECT 1 FROM {table}").fetchall()) == 1
        for table in ("messages", "pieces"):
            connection.execute(f"ALTER TABLE {table}_away RENAME TO {table}")

        async def nothing_is_left() -> bool:
            tables = ("conversations", "messages", "files", "pieces", "passages")
            return not any(connection.execute(f"SELECT 1 FROM {table}").fetchall() for table in tables)

        await until(nothing_is_left, within=30)


async def test_a_document_that_one_indexes_is_found_by_the_other(pair: Pair) -> None:
    text = b"# Lamps\n\nThe zebra lamp is lit at noon."
    file = await over(pair.other, await uploaded(pair.one, "lamp.md", text))
    assert file["status"] == "ready"
    assert (await pair.other.get(f"/files/{file['id']}/content")).content == text
    answer = await chat(pair.other, {"message": "search for the zebra"})
    assert "lit at noon" in str(answer.values("a"))
    (source,) = answer.values("h")
    assert source["title"] == "lamp.md, Lamps"


def test_a_generated_login_is_one_for_all(url: str, tmp_path: Path) -> None:
    checked = run(["check"], tmp_path, {"DATABASE_URL": url})
    assert "works   storage (DATABASE_URL: the database): can be read and written" in checked.stdout, checked.stdout


def test_a_database_that_cannot_be_reached_is_a_line(tmp_path: Path) -> None:
    ended = run(["serve"], tmp_path, {"DATABASE_URL": f"postgresql://nobody@127.0.0.1:{free_port()}/none"})
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("DATABASE_URL: the database cannot be used (connection")
    assert ended.stderr.count("\n") == 1, ended.stderr


def test_a_database_of_a_newer_version_is_left_alone(url: str, tmp_path: Path) -> None:
    run(["check"], tmp_path, {"DATABASE_URL": url})
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO migrations VALUES (999)")
    ended = run(["serve"], tmp_path, {"DATABASE_URL": url})
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.splitlines()[-1] == (
        "DATABASE_URL: the database cannot be used (a newer version of this service has written it)"
    )
