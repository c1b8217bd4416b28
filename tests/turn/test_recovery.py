"""Turns whose process is gone, and two requests that find one at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

from mockbackend.messages import Message
from mockbackend.storage import Conversation, Turn
from mockbackend.storage.embedded import EmbeddedStorage, open_embedded
from mockbackend.turn.heartbeat import Heartbeat
from mockbackend.turn.recovery import Recovery
from mockbackend.turn.registry import RunRegistry
from mockbackend.turn.run import Run


async def begin(storage: EmbeddedStorage, name: str) -> Turn:
    user: Message = {"id": name, "role": "user", "turn": name, "at": 1, "parts": []}

    def place(conversation: Conversation) -> Turn:
        return Turn("ann", "c", name, f"m-{name}", 1, "data", conversation.message_count, [user])

    _, claim = await storage.turns.begin("ann", "c", "Hello", place, running_limit=20, with_base=True)
    assert claim
    return claim.turn


async def test_a_turn_that_began_while_a_dead_one_was_settled_is_running(tmp_path: Path) -> None:
    storage = await open_embedded(tmp_path)
    registry = RunRegistry()
    heartbeat = Heartbeat(storage.turns, registry, 600)
    recovery = Recovery(storage, registry, heartbeat)
    try:
        # In no registry: nobody runs it.
        await begin(storage, "dead")
        # The first request holds the lock and settles it; the second waits for the lock.
        first = asyncio.create_task(recovery.running("c"))
        second = asyncio.create_task(recovery.running("c"))
        assert await first is None
        run = Run(await begin(storage, "alive"), "chat", resumable=True)
        registry.add(run)
        assert [found.turn.turn_id for found in [await recovery.running("c")] if found] == ["alive"]
        found = await second
        assert found is None or found.turn.turn_id == "alive"
        assert [message["turn"] for message in await storage.history.read("c")] == ["dead", "dead"]
    finally:
        await heartbeat.close()
        await storage.close()
