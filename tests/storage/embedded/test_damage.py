"""Damaged rows: each costs what it held, and neither the start nor its neighbours."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mockbackend.messages import Message
from mockbackend.storage import Turn
from mockbackend.storage.embedded import EmbeddedStorage, open_embedded
from mockbackend.turn.heartbeat import Heartbeat
from mockbackend.turn.recovery import Recovery
from mockbackend.turn.registry import RunRegistry

DAMAGE = {
    "a framing that is not UTF-8": "UPDATE turns SET framing = CAST(x'fffe41' AS TEXT)",
    "an owner that is bytes": "UPDATE turns SET owner = x'fffe'",
    "no owner": "UPDATE turns SET owner = ''",
    "an owner that is a path": "UPDATE turns SET owner = '../conversation_metadata.db'",
    "messages that are not JSON": "UPDATE turns SET new_messages = x'00'",
    "messages that are a number": "UPDATE turns SET new_messages = 7",
    "parts that are a number": """UPDATE turns SET new_messages = '[{"parts": 3}]'""",
    "a base that is a word": "UPDATE turns SET base_length = 'two'",
    "a base below zero": "UPDATE turns SET base_length = -3",
    "a log that is not JSON": "UPDATE turns SET log = x'00'",
    "a title that is not UTF-8": "UPDATE conversations SET title = CAST(x'fffe41' AS TEXT) WHERE id = 'c'",
    "a title that is bytes": "UPDATE conversations SET title = x'fffe' WHERE id = 'c'",
}


async def begin(storage: EmbeddedStorage, name: str) -> Turn | None:
    user: Message = {
        "id": "u",
        "role": "user",
        "turn": f"turn {name}",
        "at": 1,
        "parts": [{"type": "text", "text": "Hi"}],
    }
    turn = Turn("ann", name, f"turn {name}", "m", 1, "data", 0, [user])
    _, claim = await storage.turns.begin("ann", name, "Hello", lambda _: turn, running_limit=20, with_base=True)
    return claim.turn if claim else None


@pytest.mark.parametrize("damage", DAMAGE)
async def test_a_damaged_row_closes_no_conversation_and_hides_no_other(tmp_path: Path, damage: str) -> None:
    dead = await open_embedded(tmp_path)
    await begin(dead, "c")
    await dead.close()
    with closing(sqlite3.connect(tmp_path / "conversation_metadata.db")) as connection:
        assert connection.execute(DAMAGE[damage]).rowcount == 1
        connection.commit()
    storage = await open_embedded(tmp_path)
    heartbeat = Heartbeat(storage.turns, RunRegistry(), 600)
    try:
        await begin(storage, "d")
        await Recovery(storage, RunRegistry(), heartbeat).recover_all()
        assert await storage.turns.running("c") is None
        assert await begin(storage, "c") is not None or (await storage.history.read("c"))
        rows = await storage.conversations.page("ann", limit=9, after=None, query="")
        assert {row.id for row in rows} == {"c", "d"}
        assert (tmp_path / "conversation_metadata.db").exists()
    finally:
        await heartbeat.close()
        await storage.close()
