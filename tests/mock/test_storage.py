"""Scenarios over either storage: the rows of one are its own, and go with it."""

from __future__ import annotations

import pytest

from tests.conftest import StartServer
from tests.documents.waiting import indexed
from tests.harness.api import listed, say, texts
from tests.harness.postgres import postgres
from tests.mock.scenario import Scenario


# What is stored embedded is shown by each part of it in test_scenarios.
@pytest.mark.slow
@pytest.mark.parametrize("engine", ["embedded", "postgres"])
async def test_a_scenario_has_rows_of_its_own_that_go_with_it(start_server: StartServer, engine: str) -> None:
    env = {"DATABASE_URL": postgres().url(postgres().new_schema())} if engine == "postgres" else {}
    server = start_server(env)
    async with Scenario(server, "one") as one, Scenario(server, "two") as two, server.client("ada") as outside:
        for each in (one, two):
            await each.put({"rules": [{"when": "hi", "text": each.name}]})
            assert (await each.say("hi", "trip")).text == each.name
        await indexed(one.client, "a.md", b"# Zephyr")
        assert (await say(outside, "hi", "trip")).text == "You said: hi"
        assert await texts(one.client, "trip") == [("user", "hi"), ("assistant", "one")]
        assert [(await client.get("/usage")).json()["turns"] for client in (one.client, two.client, outside)] == [
            1,
            1,
            1,
        ]
        assert [len((await client.get("/files")).json()) for client in (one.client, two.client, outside)] == [1, 0, 0]
        assert (await one.control.delete(one.path)).status_code == 204
        await one.put({"rules": []})
        assert await listed(one.client) == []
        assert (await one.client.get("/files")).json() == []
        used = (await one.client.get("/usage")).json()
        assert (used["turns"], used["embedding_tokens"], used["stored_bytes"]) == (0, 0, 0)
        assert await listed(two.client) == await listed(outside) == ["trip"]
