"""A request that is made of kept bytes says what one says that is made of the messages."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import httpx2
import pytest

from tests.harness.answers import chat
from tests.harness.api import data_url, png
from tests.harness.world import World

IMAGE = {"type": "image_url", "image_url": {"url": data_url(png(), "image/png")}}
# What the emulator's script makes of these: a tool, an image, words.
SAID: list[Any] = [
    "Hello",
    "paint a fox",
    "ü 😀 \u2028",
    [{"type": "text", "text": "See"}, IMAGE],
    "/mock delay=1\nPlain",
]


def kept(world: World, conversation_id: str) -> list[bool]:
    """Whether there are bytes of each exchange of a conversation."""
    statement = """SELECT wire IS NOT NULL FROM numbers JOIN exchanges ON key >> 20 = number
        WHERE conversation_id = ? ORDER BY key"""
    return [bool(found) for (found,) in world.rows(statement, conversation_id)]


def forget(world: World, conversation_id: str) -> None:
    """Remove what was kept of a conversation."""
    path = world.server.data_dir / "conversation_metadata.db"
    with closing(sqlite3.connect(path, timeout=10)) as connection, connection:
        connection.execute(
            "DELETE FROM exchanges WHERE key >> 20 = (SELECT number FROM numbers WHERE conversation_id = ?)",
            (conversation_id,),
        )


async def test_what_was_kept_is_sent_as_what_would_be_made_now(world: World, user: httpx2.AsyncClient) -> None:
    name = "of-kept-bytes"
    for said in SAID:
        assert (await chat(user, {"id": name, "message": {"role": "user", "content": said}})).status == 200
    question = {"id": "last", "role": "user", "content": f"The last {name}"}
    assert (await chat(user, {"id": name, "message": question})).status == 200
    assert kept(world, name) == [True, True, True, False, True, True]
    forget(world, name)
    assert (await chat(user, {"id": name, "message": question})).status == 200
    made_of_bytes, made_of_messages = world.emulator.asked(f"The last {name}")
    assert made_of_bytes["messages"] == made_of_messages["messages"]
    assert kept(world, name) == [True, True, True, False, True, True], "all are kept again"


@pytest.mark.parametrize("said", ["changed", "again"])
async def test_a_new_turn_of_a_client_with_ids_reads_no_history(
    world: World, user: httpx2.AsyncClient, said: str
) -> None:
    """Shown by messages that cannot be read any more."""
    name = f"unread-{said}"
    for number in (1, 2, 3):
        body = {"id": name, "message": {"id": f"{name}-{number}", "role": "user", "content": f"{number} {name}"}}
        assert (await chat(user, body)).status == 200
    with closing(sqlite3.connect(world.server.data_dir / "mock-langgraph-db.db", timeout=10)) as saver, saver:
        saver.execute("UPDATE writes SET value = x'ff' WHERE thread_id = ? AND idx = 2", (name,))
    place = f"{name}-3" if said == "changed" else "new"
    answer = await chat(user, {"id": name, "message": {"id": place, "role": "user", "content": f"{said} {name}"}})
    assert answer.status == 200
    (request,) = world.emulator.asked(f"{said} {name}")
    questions = [message["content"] for message in request["messages"] if message["role"] == "user"]
    assert questions == [f"{n} {name}" for n in ((1, 2) if said == "changed" else (1, 2, 3))] + [f"{said} {name}"]
