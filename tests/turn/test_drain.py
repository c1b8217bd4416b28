"""Plain `hypercorn app:app` on SIGTERM: a turn that is cut is stored as stopped, and the process ends in its time."""

from __future__ import annotations

import asyncio
import signal
import time

from tests.running import chat
from tests.turn.conftest import NewWorld
from tests.turn.test_stop import stored
from tests.turn.valid import is_incomplete
from tests.turn.world import WORDS, codes_of, joining, posting


async def test_plain_hypercorn_ends_its_turns_before_it_cuts_them(new_world: NewWorld) -> None:
    world = new_world()
    async with world.server.client() as client, posting(client, "speak slowly: ended by SIGTERM") as stream:
        async with posting(client, "speak slowly: nobody reads", resumable=True) as left:
            await left.until("0")
        await stream.until("0")
        began = time.monotonic()
        world.server.signal(signal.SIGTERM)
        heard = await stream.rest()
        assert time.monotonic() - began < 3
        assert codes_of(heard) == "0ed"
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
                assert codes_of(heard) == "0ed"
                assert heard[-1][1]["finishReason"] == "stop"
    assert await asyncio.to_thread(world.server.wait) == 0
    again = new_world(data_dir=world.server.data_dir)
    async with again.server.client() as client:
        assert is_incomplete((await stored(client, stream.conversation_id))["messages"][1])
