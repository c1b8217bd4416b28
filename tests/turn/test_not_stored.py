"""The history cannot be written: readers get an error, and the next request recovers the answer."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from mockbackend.errors import NOT_STORED
from tests.harness.answers import chat, codes_of, posting
from tests.harness.world import World
from tests.turn.conftest import NewWorld
from tests.turn.test_stop import stop, stored
from tests.turn.valid import is_incomplete


def rename(world: World, old: str, new: str) -> None:
    """Rename a table of the checkpoints' database, behind the service's back."""
    with closing(sqlite3.connect(world.server.data_dir / "mock-langgraph-db.db", timeout=10)) as connection:
        connection.execute(f"ALTER TABLE {old} RENAME TO {new}")


@pytest.mark.slow
async def test_an_answer_that_cannot_be_stored_says_so_and_is_recovered_later(new_world: NewWorld) -> None:
    world = new_world()
    async with world.server.client() as client:
        async with posting(client, "speak slowly: not stored") as stream:
            word = await stream.until("0")
            rename(world, "checkpoints", "elsewhere")
            await stop(client, stream.conversation_id)
            heard = await stream.rest()
        assert codes_of(heard).lstrip("0") == "2e3d"
        assert heard[-2][1] == NOT_STORED
        assert heard[-1][1]["finishReason"] == "error"
        assert "history NOT written" in world.server.log
        rename(world, "elsewhere", "checkpoints")
    # In another process as well as here.
    other = new_world(data_dir=world.server.data_dir)
    async with other.server.client() as client:
        answer = await chat(client, {"id": stream.conversation_id, "message": "go on"})
        assert answer.text == "You said: go on"
        question, said, *_ = (await stored(client, stream.conversation_id))["messages"]
        assert question["content"] == "speak slowly: not stored"
        assert said["content"] == "".join([word, *(value for code, value in heard if code == "0")])
        assert is_incomplete(said)
