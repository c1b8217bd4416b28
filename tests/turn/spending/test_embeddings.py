"""What documents, and searches in them, take of a user's day."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mockbackend.settings import Settings
from mockbackend.storage.day_limits import prices
from mockbackend.storage.spending import Prices
from tests.documents.waiting import indexed, over, uploaded
from tests.harness.answers import chat
from tests.harness.service import Server
from tests.turn.spending.conftest import COST, Environment, refused, usage

WORDS = b"# Zephyr\n\n" + b"The wind of the west is mild. " * 40
EMBEDDING = {**COST, "AZURE_OPENAI_EMBEDDING_DEPLOYMENT_NAME": "text-embedding-3-small"}


async def test_documents_and_searches_are_part_of_the_cost(
    storage: Environment, emulated: Callable[..., Server], own: str
) -> None:
    env = {**storage, **EMBEDDING, "PRICE_PER_MILLION_EMBEDDING_TOKENS": "1000"}
    server = emulated(env)
    async with server.client(own) as client, server.client(f"other than {own}") as other:
        assert (await usage(client))["embedding_tokens"] == 0
        await indexed(client, "a.md", WORDS)
        stored = await usage(client)
        assert 200 < stored["embedding_tokens"] < 2000
        assert stored["cost"] == stored["embedding_tokens"] / 1000
        assert (stored["turns"], stored["input_tokens"]) == (0, 0)
        await chat(client, {"message": "What do my documents say about Zephyr?"})
        searched = await usage(client)
        assert searched["turns"] == 1
        assert 0 < searched["embedding_tokens"] - stored["embedding_tokens"] < 50
        assert (await usage(other))["embedding_tokens"] == 0
    # A limit that is reached: what costs is refused.
    limited = emulated({**env, "MAX_COST_PER_USER_PER_DAY": "0.2"})
    async with limited.client(own) as client:
        refused(await chat(client, {"message": "Hello"}), "MAX_COST_PER_USER_PER_DAY")
        row = await over(client, await uploaded(client, "b.md", b"# More\n\nwords"))
        assert (row["status"], "MAX_COST_PER_USER_PER_DAY" in row["error"]) == ("failed", True)
        assert (await usage(client))["embedding_tokens"] == searched["embedding_tokens"]


def test_an_embedding_may_be_free() -> None:
    settings = Settings(price_per_million_input_tokens=2, price_per_million_embedding_tokens=0)
    assert prices(settings) == Prices(input_tokens=2)


@pytest.mark.slow
async def test_without_a_price_of_its_own_an_embedding_costs_as_input_does(
    emulated: Callable[..., Server], own: str
) -> None:
    async with emulated(EMBEDDING).client(own) as client:
        await indexed(client, "a.md", WORDS)
        found = await usage(client)
        assert found["embedding_tokens"] > 200
        assert found["cost"] == found["embedding_tokens"] * 2 / 1e6
