"""Plain `hypercorn app:app` on SIGTERM: a turn that is cut is stored as stopped, and the process ends in its time."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import httpx2
import pytest

from tests.harness.answers import Answer, chat, codes_of, joining, posting
from tests.harness.service import Kind
from tests.harness.waiting import until
from tests.harness.world import World
from tests.turn.conftest import NewWorld
from tests.turn.script import WORDS
from tests.turn.test_stop import stored
from tests.turn.valid import is_incomplete

pytestmark = pytest.mark.slow

# Hypercorn gives 3 s to what still runs when it is asked to end.
LONGER = f"""
rules:
  - when: "longer than the grace"
    text: {["word "] * 25}
    tokens_per_second: 5
"""


@pytest.mark.parametrize("kind", ["hypercorn", pytest.param("hypercorn with a worker", marks=pytest.mark.slow)])
async def test_plain_hypercorn_ends_its_turns_before_it_cuts_them(new_world: NewWorld, kind: Kind) -> None:
    world = new_world(kind=kind)
    async with world.server.client() as client, posting(client, "speak slowly: ended by SIGTERM") as stream:
        async with posting(client, "speak slowly: nobody reads", resumable=True) as left:
            await left.until("0")
        await stream.until("0")
        world.server.signal(signal.SIGTERM)
        heard = await stream.rest()
        assert codes_of(heard) == "02ed"
        assert heard[-1][1]["finishReason"] == "stop"
    assert await asyncio.to_thread(world.server.wait) == 0
    assert "Traceback" not in world.server.log
    assert world.rows("SELECT count(*) FROM turns WHERE over_at IS NULL") == [(0,)]
    assert list((world.server.data_dir / "alive").iterdir()) == []
    again = new_world(data_dir=world.server.data_dir)
    async with again.server.client() as client:
        for conversation_id in (stream.conversation_id, left.conversation_id):
            answer = (await stored(client, conversation_id))["messages"][1]
            assert is_incomplete(answer)
            assert "".join(WORDS).startswith(answer["content"])
            assert (await chat(client, {"id": conversation_id, "message": "go on"})).text == "You said: go on"


async def test_serve_ends_a_drained_turn_for_every_reader(new_world: NewWorld) -> None:
    world = new_world({"DRAIN_SECONDS": "0.5"}, kind="serve")
    async with world.server.client() as client, posting(client, "speak slowly: drained") as stream:
        await stream.until("0")
        async with joining(client, stream.conversation_id) as joined:
            await joined.until("0")
            world.server.signal(signal.SIGTERM)
            for reader in (stream, joined):
                heard = await reader.rest()
                assert codes_of(heard) == "02ed"
                assert heard[-1][1]["finishReason"] == "stop"
    assert await asyncio.to_thread(world.server.wait) == 0
    again = new_world(data_dir=world.server.data_dir)
    async with again.server.client() as client:
        assert is_incomplete((await stored(client, stream.conversation_id))["messages"][1])


@asynccontextmanager
async def beginning(world: World, client: httpx2.AsyncClient) -> AsyncIterator[asyncio.Task[Answer]]:
    """A turn whose row cannot be written yet, in a service that has been asked to end; leaving lets it be written."""
    with closing(sqlite3.connect(world.server.data_dir / "conversation_metadata.db", isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        # One of them is refused while the other begins.
        two = [asyncio.create_task(chat(client, {"message": f"longer than the grace {number}"})) for number in range(2)]
        (refused,), (begun,) = await asyncio.wait(two, return_when=asyncio.FIRST_COMPLETED)
        assert refused.result().status == 429, refused.result().body
        world.server.signal(signal.SIGTERM)
        yield begun


async def draining(client: httpx2.AsyncClient) -> bool:
    response = await client.get("/readyz")
    return response.status_code == 503 and response.json()["error"]["code"] == "draining"


async def test_a_turn_that_is_just_beginning_is_drained_as_well(new_world: NewWorld) -> None:
    world = new_world({"MAX_RUNNING_TURNS_PER_USER": "1", "DRAIN_SECONDS": "20"}, script=LONGER, kind="serve")
    async with world.server.client() as client:
        async with beginning(world, client) as begun:
            await until(lambda: draining(client))
        answer = await begun
        assert (answer.status, answer.errors) == (200, []), answer.body
        assert answer.values("d")[0]["finishReason"] == "stop"
        assert answer.text == "word " * 25
    assert await asyncio.to_thread(world.server.wait) == 0


async def test_a_turn_that_cannot_begin_within_the_drain_is_refused(new_world: NewWorld) -> None:
    world = new_world({"MAX_RUNNING_TURNS_PER_USER": "1", "DRAIN_SECONDS": "0.2"}, kind="serve")
    async with world.server.client() as client:
        async with beginning(world, client) as begun:
            answer = await begun
        assert answer.status == 503, answer.body
        assert answer.json()["error"]["code"] == "draining"
    assert await asyncio.to_thread(world.server.wait) == 0
    # It has left nothing: the client sends it again.
    assert world.rows("SELECT count(*) FROM conversations") == [(0,)]
    assert world.rows("SELECT count(*) FROM turns") == [(0,)]
