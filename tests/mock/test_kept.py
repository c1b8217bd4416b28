"""What the emulator keeps for later calls: found by every worker, and gone with its scenario."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mockbackend.mock.store import DEFAULT, MockStore
from tests.harness.service import Server
from tests.mock.scenario import Scenario
from tests.mock.test_workers import TWO, each_alone

AZURE = "/__mock__/azure"


async def test_responses_and_images_are_found_by_every_worker(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Server(tmp_path_factory.mktemp("kept"), TWO, "serve") as server:
        async with Scenario(server, "keeping") as made, each_alone(server) as client:
            await made.put({"rules": []})
            client.headers["x-mock-scenario"] = made.name
            client.headers["api-key"] = server.auth[1]
            body: dict[str, Any] = {"model": "gpt-4o", "input": "My name is Ada."}
            first = (await client.post(f"{AZURE}/openai/v1/responses", json=body)).json()
            asked = {"model": "gpt-4o", "input": "And now?", "previous_response_id": first["id"]}
            answers = await asyncio.gather(
                *(client.post(f"{AZURE}/openai/v1/responses", json=asked) for _ in range(8)),
                *(client.get(f"{AZURE}/openai/v1/responses/{first['id']}") for _ in range(8)),
            )
            assert {answer.status_code for answer in answers} == {200}
            image = {"model": "dall-e-3", "prompt": "a fox"}
            drawn = (await client.post(f"{AZURE}/openai/v1/images/generations", json=image)).json()
            url = drawn["data"][0]["url"]
            assert f"{AZURE}/generated/" in url
            shown = await asyncio.gather(*(client.get(url) for _ in range(8)))
            assert {one.headers["content-type"] for one in shown} == {"image/png"}
            await made.put({"rules": []})
            gone = await client.get(f"{AZURE}/openai/v1/responses/{first['id']}")
            assert gone.status_code == 404


def test_each_scenario_has_its_own_and_the_oldest_give_way() -> None:
    store = MockStore(None)
    store.scenarios.ensure("other")
    kept = store.kept("thing", 3, 1000)
    for number in range(4):
        kept.add(DEFAULT, f"key-{number}", b"x")
    kept.add("other", "key", b"y" * 999)
    found = [kept.find(f"key-{number}", DEFAULT) for number in range(4)]
    assert (found, kept.find("key", DEFAULT), kept.find("key")) == ([None, None, None, b"x"], None, b"y" * 999)
    store.scenarios.delete("other")
    assert kept.find("key") is None
    store.close()
