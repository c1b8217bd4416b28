"""A turn of a long conversation takes a moment to begin: whoever looks at it then leaves it alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from mockbackend.settings import Settings
from mockbackend.storage import open_storage
from mockbackend.storage.exchanges import exchanges
from mockbackend.turn.registry import RunRegistry
from mockbackend.upstream.chat.window import kept
from tests.harness.answers import chat
from tests.harness.api import texts
from tests.harness.postgres import postgres
from tests.harness.service import Server
from tests.storage.contract.acts import SPENT, answer, begun, message, turn_of

WORDS = "word " * 180_000
TURNS, ASKED, LOOKERS = 12, 4, 4
pytestmark = pytest.mark.slow


async def store(settings: Settings) -> None:
    """A conversation of megabytes, with what requests have of it."""
    storage = await open_storage(settings)
    for number in range(TURNS):
        turn = turn_of(f"t{number}", "c", userid="user-1", base_length=2 * number)
        turn = replace(turn, new_messages=[message("user", turn.turn_id, f"{number} {WORDS}")])
        await begun(storage, turn)
        said = [*turn.new_messages, *answer(turn)]
        found = [kept(one, "emulator") for one in exchanges(said, turn.base_length)]
        await storage.turns.end(turn, answer(turn), b"[]", SPENT, found)
    await storage.close()


@pytest.mark.parametrize("engine", ["embedded", "postgres"])
async def test_who_looks_at_a_turn_that_begins_does_not_settle_it(tmp_path: Path, engine: str) -> None:
    url = postgres().url(postgres().new_schema()) if engine == "postgres" else ""
    await store(Settings(data_dir=tmp_path / "data", database_url=url))

    async def look(client: httpx2.AsyncClient) -> None:
        while True:
            async with client.stream("GET", "/chat/c/stream") as joined:
                assert joined.status_code in (200, 204)

    with Server(tmp_path, {"DATABASE_URL": url} if url else {}, kind="serve") as server:
        async with server.client() as client, server.client() as other:
            lookers = [asyncio.create_task(look(other)) for _ in range(LOOKERS)]
            for number in range(ASKED):
                answered = await chat(client, {"id": "c", "message": f"Hello {number}"})
                assert (answered.errors, answered.text) == ([], f"You said: Hello {number}")
            for looker in lookers:
                looker.cancel()
            ended = await asyncio.gather(*lookers, return_exceptions=True)
            assert all(isinstance(one, asyncio.CancelledError) for one in ended), ended
            said = await texts(client, "c")
        assert "recovered" not in server.log
    assert [text for _, text in said[2 * TURNS + 1 :: 2]] == [f"You said: Hello {number}" for number in range(ASKED)]


def test_a_turn_is_alive_for_as_long_as_it_is_claimed() -> None:
    registry = RunRegistry()
    with registry.claiming("t"):
        assert registry.is_alive("t")
    assert not registry.is_alive("t")
