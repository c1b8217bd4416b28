"""What the emulator keeps for later calls: found by every worker, and gone with its scenario."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from mockbackend.emulator.search import shared
from mockbackend.emulator.search.schema import read_schema
from mockbackend.mock.store import DEFAULT, MockStore
from tests.harness.service import Server
from tests.mock.scenario import Scenario, each_alone

AZURE = "/__mock__/azure"


@pytest.mark.slow
async def test_responses_and_images_are_found_by_every_worker(workers: Server) -> None:
    async with Scenario(workers, "keeping") as made, each_alone(workers) as client:
        await made.put({"rules": []})
        client.headers["x-mock-scenario"] = made.name
        client.headers["api-key"] = workers.auth[1]
        body: dict[str, Any] = {"model": "gpt-4o", "input": "My name is Ada."}
        first = (await client.post(f"{AZURE}/openai/v1/responses", json=body)).json()
        asked = {"model": "gpt-4o", "input": "And now?", "previous_response_id": first["id"]}
        answers = await asyncio.gather(
            *(client.post(f"{AZURE}/openai/v1/responses", json=asked) for _ in range(6)),
            *(client.get(f"{AZURE}/openai/v1/responses/{first['id']}") for _ in range(6)),
        )
        assert {answer.status_code for answer in answers} == {200}
        image = {"model": "dall-e-3", "prompt": "a fox"}
        drawn = (await client.post(f"{AZURE}/openai/v1/images/generations", json=image)).json()
        url = drawn["data"][0]["url"]
        assert f"{AZURE}/generated/" in url
        shown = await asyncio.gather(*(client.get(url) for _ in range(6)))
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


INDEX: dict[str, Any] = {
    "name": "docs",
    "fields": [
        {"name": "id", "type": "Edm.String", "key": True, "filterable": True},
        {"name": "content", "type": "Edm.String", "searchable": True},
        {
            "name": "vector",
            "type": "Collection(Edm.Single)",
            "dimensions": 2,
            "searchable": True,
            "vectorSearchProfile": "p",
        },
    ],
    "vectorSearch": {"algorithms": [{"name": "h", "kind": "hnsw"}], "profiles": [{"name": "p", "algorithm": "h"}]},
}


def upload(*ids: str) -> dict[str, Any]:
    """A batch that uploads a document for each id."""
    words = {"content": "a fox", "vector": [0.5, 1.0]}
    return {"value": [{"@search.action": "upload", "id": one, **words} for one in ids]}


@pytest.mark.slow
async def test_indexes_and_their_documents_are_the_same_in_every_worker(workers: Server) -> None:
    async with Scenario(workers, "searching") as made, each_alone(workers) as client:
        await made.put({"rules": []})
        client.headers.update({"x-mock-scenario": made.name, "api-key": workers.auth[1]})
        client.params = httpx2.QueryParams({"api-version": "2024-07-01"})
        docs = f"{AZURE}/indexes('docs')/docs"

        async def six(method: str, path: str, **body: Any) -> list[httpx2.Response]:
            return await asyncio.gather(*(client.request(method, f"{AZURE}{path}", **body) for _ in range(6)))

        made_once = [answer.status_code for answer in await six("POST", "/indexes", json=INDEX)]
        assert sorted(made_once) == [201] + [409] * 5
        batches = [client.post(f"{docs}/search.index", json=upload(f"a{n}", f"b{n}")) for n in range(6)]
        assert {answer.status_code for answer in await asyncio.gather(*batches)} == {200}
        assert {answer.json() for answer in await six("GET", "/indexes('docs')/docs/$count")} == {12}
        for answer in await six("POST", "/indexes('docs')/docs/search.post.search", json={"search": "fox", "top": 50}):
            assert len(answer.json()["value"]) == 12
        client.headers["x-mock-scenario"] = DEFAULT
        assert {answer.status_code for answer in await six("GET", "/indexes('docs')")} == {404}
        client.headers["x-mock-scenario"] = made.name
        await made.put({"rules": []})
        assert {answer.status_code for answer in await six("GET", "/indexes('docs')")} == {404}
        assert (await client.put(f"{AZURE}/indexes('docs')", json=INDEX)).status_code == 201
        assert {answer.json() for answer in await six("GET", "/indexes('docs')/docs/$count")} == {0}


def test_long_changes_are_replaced_by_what_leads_to_the_same_indexes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "LONG_BYTES", 5000)
    store = MockStore(None)
    changes = store.changes("search")
    one, other = shared.SharedIndexes(changes), shared.SharedIndexes(changes)
    one.change(DEFAULT, shared.Put(INDEX), lambda indexes: indexes.put(read_schema(INDEX)))
    lengths = []
    batch = shared.Batch("docs", upload("a", "b", "c"))
    for _ in range(40):
        one.change(DEFAULT, batch, lambda indexes: shared.make(indexes, batch))
        lengths.append(changes.size(DEFAULT))
        assert other.of(DEFAULT).find("docs").documents == one.of(DEFAULT).find("docs").documents
    assert max(lengths) < 6000
    found = other.of(DEFAULT).find("docs")
    assert sorted(found.documents) == ["a", "b", "c"]
    assert [vector.tolist() for vector in found.vectors["vector"].values()] == [[0.5, 1.0]] * 3
    store.close()
