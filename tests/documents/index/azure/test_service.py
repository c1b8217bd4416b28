"""The service with three settings of Azure AI Search: the same documents, found over there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx2
import pytest

from tests.documents.waiting import indexed, over, uploaded
from tests.harness.answers import chat
from tests.harness.emulator import KEY, Rule, emulating
from tests.harness.http_client import PLAIN
from tests.harness.postgres import postgres
from tests.harness.service import Server
from tests.harness.waiting import until
from tests.server.commands import run_here

QUESTION = "What do the documents say of Zephyr?"
RULES: list[Rule] = [
    {"kind": "indexing", "when": {"regex": "throttled"}, "times": 3, "fault": {"kind": "status", "status": 503}},
    {"kind": "indexing", "when": {"regex": "refused"}, "fault": {"kind": "items_fail", "count": 1, "status": 400}},
]


@dataclass(frozen=True)
class Searching:
    server: Server
    settings: dict[str, str]


@pytest.fixture(scope="module")
def searching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searching]:
    folder = tmp_path_factory.mktemp("searching")
    with emulating(folder, RULES, KEY) as emulator:
        settings = {
            **emulator.settings(embedding="text-embedding-3-small"),
            "AZURE_SEARCH_ENDPOINT": emulator.url,
            "AZURE_SEARCH_API_KEY": KEY,
            "AZURE_SEARCH_INDEX_NAME": "docs",
        }
        with Server(folder, settings) as server:
            yield Searching(server, settings)


async def test_a_document_is_found_named_and_forgotten(searching: Searching) -> None:
    async with searching.server.client("reader") as client:
        file = await indexed(client, "plan.md", b"# Launch\n\nZephyr launches on 14 May 2031.")
        await indexed(client, "tea.md", b"Tea is drunk at five.")
        answer = await chat(client, {"message": QUESTION})
        assert "14 May 2031" in answer.text
        assert answer.values("h")[0]["title"] == "plan.md, Launch"
        assert (await client.delete(f"/files/{file['id']}")).status_code == 204
        assert b"14 May" not in (await chat(client, {"message": QUESTION})).body
    assert copies(searching, "reader") == 1


def copies(searching: Searching, owner: str) -> int:
    """How many passages of the owner's the search service holds."""
    url = f"{searching.settings['AZURE_SEARCH_ENDPOINT']}/indexes('docs')/docs/search.post.search"
    query = {"search": "*", "count": True, "filter": f"owner eq '{owner}'"}
    answer = httpx2.post(f"{url}?api-version=2026-04-01", json=query, headers={"api-key": KEY}, **PLAIN)
    count: int = answer.json()["@odata.count"]
    return count


@pytest.mark.slow
async def test_nobody_finds_anothers_documents(searching: Searching) -> None:
    async with searching.server.client("owner") as owner, searching.server.client("other") as other:
        await indexed(owner, "secret.md", b"Zephyr is a secret of the owner's documents.")
        await indexed(other, "tea.md", b"The documents of the other one speak of tea.")
        assert b"secret" not in (await chat(other, {"message": QUESTION})).body


@pytest.mark.slow
async def test_throttling_is_waited_out_and_a_refused_passage_fails_the_file_in_words(searching: Searching) -> None:
    async with searching.server.client("unlucky") as client:
        await indexed(client, "a.md", b"This one is throttled.")
        refused = await over(client, await uploaded(client, "b.md", b"This one is refused."))
    assert refused["status"] == "failed"
    assert "Azure AI Search" in refused["error"]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "works   search (AZURE_SEARCH_INDEX_NAME = docs): index docs"),
        ({"AZURE_SEARCH_API_KEY": "wrong"}, "AZURE_SEARCH_API_KEY"),
        ({"AZURE_SEARCH_INDEX_NAME": "none-yet"}, "does not exist yet"),
    ],
)
def test_check_tries_it(searching: Searching, tmp_path: Path, changes: dict[str, str], says: str) -> None:
    ran = run_here(["check"], tmp_path, {**searching.settings, "DATA_DIR": str(tmp_path / "data"), **changes})
    line = next(line for line in ran.stdout.splitlines() if " search (" in line)
    assert says in line
    assert (ran.returncode == 0) == line.startswith("works")


ANNOUNCED = "the index of documents has changed: 2 files are indexed again in the background"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("engine", "is_long"),
    [
        pytest.param("embedded", False, id="embedded"),
        # A walk is a server for each step, which reads all documents once more.
        pytest.param("embedded", True, id="embedded, all steps"),
        pytest.param("postgres", False, id="postgres"),
    ],
)
async def test_after_a_change_of_the_model_or_the_index_documents_are_indexed_once_more(
    engine: str, is_long: bool, tmp_path: Path
) -> None:
    stored = {"DATABASE_URL": postgres().url(postgres().new_schema())} if engine == "postgres" else {}
    with emulating(tmp_path, [], KEY) as emulator:
        search = {"AZURE_SEARCH_ENDPOINT": emulator.url, "AZURE_SEARCH_API_KEY": KEY}
        docs, others = (search | {"AZURE_SEARCH_INDEX_NAME": name} for name in ("docs", "others"))
        wordy = emulator.settings()
        small = emulator.settings(embedding="text-embedding-3-small")
        large = emulator.settings(embedding="text-embedding-3-large")
        # First in the storage's own index, then over there, with another model, in another index, and back. Without
        # a model nothing is indexed again for the sake of its vectors.
        long = [
            (small, False),
            (small | docs, True),
            (large | docs, True),
            (large | others, True),
            (wordy | others, False),
            (wordy, True),
            (large, False),
        ]
        short = [(wordy, False), (small | docs, True), (small, True)]
        data = None
        for number, (settings, is_announced) in enumerate(long if is_long else short):
            with Server(tmp_path, settings | stored, data_dir=data) as server:
                data = server.data_dir
                async with server.client() as client:
                    if number == 0:
                        await indexed(client, "plan.md", b"Zephyr launches on 14 May 2031.")
                        await indexed(client, "tea.md", b"Tea is drunk at five.")
                    await until(partial(_is_up_to_date, client), within=30)
                    answer = await chat(client, {"message": QUESTION})
                    assert "14 May 2031" in answer.text
                    assert [source["title"] for source in answer.values("h")][:1] == ["plan.md"]
                assert server.log.count(ANNOUNCED) == is_announced
        embedded = Counter(
            request["path"].split("/")[-2]
            for request in emulator.requests()
            if "embeddings" in request["path"] and "Zephyr launches on 14 May 2031." in request["body"]["input"]
        )
    # Not once more where only the index has changed and the staged vectors were still there.
    once_more = {"text-embedding-3-small": 1, "text-embedding-3-large": 3}
    assert embedded == (once_more if is_long else {"text-embedding-3-small": 2})


async def _is_up_to_date(client: httpx2.AsyncClient) -> bool:
    rows = (await client.get("/files")).json()
    assert {row["status"] for row in rows} == {"ready"}
    return int((await client.get("/health")).json()["documents_to_embed"]) == 0
