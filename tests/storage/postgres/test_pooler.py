"""Two processes behind a pooler in transaction mode: fewer connections than they use, each shared by both."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from mockbackend.settings import Settings
from mockbackend.storage import Conversation, Image, Turn
from mockbackend.storage.passages import Passage
from mockbackend.storage.postgres import PostgresStorage, open_postgres
from tests.harness.pgbouncer import pooled
from tests.harness.postgres import postgres
from tests.storage.contract.acts import ROOM, SPENT, at_most, end, texts, turn_of
from tests.storage.contract.files import ROOMY, claimed, put
from tests.storage.contract.passages import holding

pytestmark = pytest.mark.slow


@pytest.fixture
def pooler() -> Iterator[Settings]:
    schema = postgres().new_schema()
    with pooled(schema, 2) as url:
        yield Settings(database_url=url, database_direct_url=postgres().url(schema))


async def test_everything_works_behind_a_pooler(pooler: Settings) -> None:
    storage, other = await asyncio.gather(open_postgres(pooler), open_postgres(pooler))
    try:
        async with asyncio.timeout(60):
            await asyncio.gather(*(many_turns(one, name) for one in (storage, other) for name in ("a", "b", "c")))
        for name in ("a", "b", "c"):
            said = await texts(storage, name)
            assert len(said) == 32
            # Each question stands before its own answer.
            assert [text.replace("!", "?") for text in said[1::2]] == said[::2]
        image = Image("image/png", bytes(300_000))
        assert await other.images.get(await storage.images.put("ann", "a", image, user_bytes=ROOM)) == image
        await put(storage, b"content", limits=replace(ROOMY, user_bytes=ROOM))
        assert await claimed(other) == "content"
        await storage.passages.stage("f", "ann", [Passage("The lamp.")])
        await storage.passages.publish("ann", "f", "f.md")
        assert await holding(other.passages, "ann", "lamp") == {"The lamp.": 1}
        assert await storage.login() == await other.login()
    finally:
        await storage.close()
        await other.close()


async def many_turns(storage: PostgresStorage, name: str) -> None:
    for number in range(8):
        turn_id = f"{name}{number}-{storage.processes.id}"

        def place(row: Conversation, turn_id: str = turn_id) -> Turn:
            return turn_of(turn_id, name, base_length=row.message_count)

        while True:
            _, claim = await storage.turns.begin("ann", name, "x", place, limits=at_most(9), with_base=True)
            if claim is not None:
                break
        await storage.turns.write_logs([(claim.turn, b"[1]", SPENT)])
        await end(storage, claim.turn)
