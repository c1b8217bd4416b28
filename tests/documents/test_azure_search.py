"""Azure AI Search as the index of documents: the real client against the emulator's wire."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import numpy
import orjson
import pytest

from mockbackend.documents.azure_search import AzureSearchIndex
from mockbackend.documents.azure_search_schema import (
    MOST_BYTES,
    MOST_DOCUMENTS,
    Action,
    batches,
    harmless,
    key,
    owned_by,
)
from mockbackend.emulator.app import create_emulator
from mockbackend.emulator.embeddings import embed
from mockbackend.emulator.script import load_script
from mockbackend.errors import UpstreamError
from mockbackend.passages import Found, Passage
from mockbackend.settings import SettingsError
from mockbackend.storage.passages import Passages, prepare
from tests.emulator.serving import KEY, Served
from tests.running import ROOT

DIMENSIONS = 64
numbers = itertools.count(1)


def vector(text: str, dimensions: int = DIMENSIONS) -> Any:
    """Near that of texts with words in common."""
    return numpy.array(embed(text, dimensions), dtype=numpy.float32)


@dataclass
class World:
    """An emulated search service, staged passages, and one index of the service."""

    served: Served
    passages: Passages
    index: AzureSearchIndex
    name: str
    opened: list[AzureSearchIndex] = field(default_factory=list)

    def open(self, **changes: Any) -> AzureSearchIndex:
        """The index opened once more, as by another process."""
        options: dict[str, Any] = {
            "endpoint": self.served.url,
            "key": KEY,
            "name": self.name,
            "wait_seconds": 5.0,
        } | changes
        self.opened.append(AzureSearchIndex(passages=self.passages, **options))
        return self.opened[-1]

    async def stage(
        self, userid: str, file_id: str, texts: list[str], dimensions: int | None = DIMENSIONS, heading: str = ""
    ) -> None:
        passages = [Passage(text, f"page {page}", heading) for page, text in enumerate(texts, start=1)]
        await self.passages.stage(file_id, userid, passages)
        if dimensions:
            vectors = [(position, vector(text, dimensions)) for position, text in enumerate(texts)]
            await self.passages.embedded(file_id, vectors)

    async def publish(self, userid: str, file_id: str, *texts: str, name: str = "notes.txt", **options: Any) -> None:
        await self.stage(userid, file_id, list(texts), **options)
        await self.index.publish(userid, file_id, name)

    async def found(
        self, userid: str, query: str, files: list[str] | None = None, *, by_vector: bool = True, most: int = 8
    ) -> list[Found]:
        return await self.index.search(userid, query, vector(query) if by_vector else None, files, most)

    async def texts(self, userid: str, query: str, files: list[str] | None = None, **options: Any) -> list[str]:
        return [one.passage.text for one in await self.found(userid, query, files, **options)]

    async def manage(self, method: str, path: str = "", body: Any = None) -> httpx2.Response:
        """A call of an administrator's."""
        async with self.served.http() as http:
            url = f"/indexes('{self.name}'){path}?api-version=2026-04-01"
            return await http.request(method, url, content=orjson.dumps(body) if body else None)

    async def count(self) -> int:
        return int((await self.manage("GET", "/docs/$count")).content)

    async def batches(self) -> list[tuple[int, int]]:
        """Status and number of documents of each batch that was sent to this index."""
        path = f"/indexes('{self.name}')/docs/search.index"
        requests = (await self.served.journal())["requests"]
        return [(one["status"], len(one["body"]["value"])) for one in requests if one["path"] == path]


@asynccontextmanager
async def world_of(served: Served, folder: Path) -> AsyncIterator[World]:
    path = folder / "documents.db"
    prepare(path)
    passages = Passages(path)
    name = f"docs-{next(numbers)}"
    index = AzureSearchIndex(served.url, KEY, name, passages, wait_seconds=5.0)
    world = World(served, passages, index, name)
    try:
        yield world
    finally:
        await world.manage("DELETE")
        for one in (index, *world.opened):
            await one.close()
        await passages.close()


@pytest.fixture(scope="module")
def plain() -> Iterator[Served]:
    """One search service for all tests that need no script."""
    with Served(create_emulator()) as served:
        yield served


@pytest.fixture
async def world(plain: Served, tmp_path: Path) -> AsyncIterator[World]:
    async with world_of(plain, tmp_path) as world:
        yield world


@asynccontextmanager
async def scripted(folder: Path, *rules: str, api_key: str | None = None) -> AsyncIterator[World]:
    """A world whose search service follows these rules."""
    path = folder / "script.yaml"
    path.write_text(f"rules: [{', '.join(rules)}]")
    with Served(create_emulator(load_script(path), api_key)) as served:
        async with world_of(served, folder) as world:
            yield world


@asynccontextmanager
async def failing() -> AsyncIterator[list[str]]:
    """The words of the UpstreamError that must happen in the block."""
    words: list[str] = []
    with pytest.raises(UpstreamError) as caught:
        yield words
    words.append(caught.value.message)


async def test_what_is_published_is_found_with_its_place_and_forgotten_again(world: World) -> None:
    await world.publish("u1", "f1", "The red fox sleeps.", "Invoices are due in May.", heading="Animals > Foxes")
    best, *_ = await world.found("u1", "Where does the fox sleep?")
    assert (best.file_id, best.passage) == ("f1", Passage("The red fox sleeps.", "page 1", "Animals > Foxes"))
    assert best.score > 0
    await world.index.forget("u1", "f1")
    assert await world.found("u1", "fox") == []
    await world.index.forget("u1", "f1")


async def test_words_alone_and_vectors_alone_find_and_both_together_find_best(world: World) -> None:
    await world.publish("u1", "f1", "the fox", "fox fox fox and words that nobody asked for", "an owl")
    assert (await world.texts("u1", "fox", by_vector=False))[0].startswith(("the fox", "fox"))
    only_vector = await world.index.search("u1", "…", vector("the fox"), None, 1)
    assert [one.passage.text for one in only_vector] == ["the fox"]
    assert (await world.texts("u1", "the fox"))[0] == "the fox"
    assert len(await world.texts("u1", "the fox owl", most=2)) == 2


async def test_headings_and_the_files_name_are_searched_too(world: World) -> None:
    await world.publish("u1", "f1", "thirty days", heading="Terms of payment", name="Contract 2025.pdf")
    await world.publish("u1", "f2", "nothing of the kind", name="Poems.md")
    for query in ("payment", "contract"):
        assert [one.file_id for one in await world.found("u1", query, by_vector=False)] == ["f1"]


async def test_publishing_again_changes_nothing(world: World) -> None:
    await world.publish("u1", "f1", "one fox", "two foxes")
    await world.index.publish("u1", "f1", "notes.txt")
    await world.open().publish("u1", "f1", "notes.txt")
    assert await world.count() == 2


async def test_a_shorter_version_leaves_nothing_of_the_longer_one(world: World) -> None:
    await world.publish("u1", "f1", *[f"fox {number}" for number in range(30)])
    await world.publish("u1", "f1", "fox 0", "fox 1")
    assert await world.count() == 2


async def test_a_file_without_passages_publishes_nothing(world: World) -> None:
    await world.publish("u1", "f1", "a fox")
    await world.index.publish("u1", "never-staged", "notes.txt")
    assert await world.count() == 1
    await world.manage("DELETE")
    await world.index.publish("u1", "never-staged", "notes.txt")


# Names that would be something else in a filter, a key or a path.
OWNERS = ["u1", "U1", "u1 ", "u1' or owner ne '", "''", "o,x|y", "a/b?c=d&e", "Zoë 日本 🦊", "u" * 256]


async def test_no_owner_finds_or_forgets_what_is_anothers(world: World) -> None:
    for number, owner in enumerate(OWNERS):
        # The same id for all: an owner's name alone keeps them apart.
        await world.publish(owner, "f1", f"a fox of number {number}")
    for number, owner in enumerate(OWNERS):
        assert await world.texts(owner, "fox number") == [f"a fox of number {number}"]
    assert await world.found("somebody", "fox") == []
    await world.index.forget("somebody", "f1")
    for gone, owner in enumerate(OWNERS, start=1):
        await world.index.forget(owner, "f1")
        assert await world.count() == len(OWNERS) - gone
        assert await world.found(owner, "fox") == []


async def test_a_search_may_be_limited_to_files_whatever_their_ids(world: World) -> None:
    ids = ["f1", "f2", "it's, a|b;c", "x' or 'a' eq 'a", "日本"]
    for one in ids:
        await world.publish("u1", one, f"a fox in {one}")
    for one in ids:
        assert {found.file_id for found in await world.found("u1", "fox", [one])} == {one}
    assert {one.file_id for one in await world.found("u1", "fox", ids[1:4])} == set(ids[1:4])
    assert {one.file_id for one in await world.found("u1", "fox")} == set(ids)
    assert await world.found("u1", "fox", []) == []
    assert await world.index.search("u1", "fox", None, (), 5) == []
    assert await world.found("u1", "fox", ["f"]) == []
    assert await world.found("u2", "fox", ids) == []


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("-fox", "fox"),
        ('"fox sleeps', "fox"),
        ("(fox", "fox"),
        ("fox* +nothing -fox", "fox"),
        ("fox\\", "fox"),
        ("what about a fox?", "fox"),
        ("図書館は？", "東京都の図書館"),
        ("CAFÉ KOLN", "ein Café in Köln"),
        ("fox \ud83e", "fox"),
        ("fox " * 5000, "fox"),
    ],
)
async def test_a_query_is_nothing_but_its_words(world: World, query: str, text: str) -> None:
    await world.publish("u1", "f1", "fox", "東京都の図書館", "ein Café in Köln", "hen", dimensions=None)
    assert await world.texts("u1", query, by_vector=False) == [text]


@pytest.mark.parametrize("query", ["", "  ", "*", "?!", "-", "…"])
async def test_a_query_without_words_finds_nothing_by_words(world: World, query: str) -> None:
    await world.publish("u1", "f1", "fox", dimensions=None)
    assert await world.texts("u1", query, by_vector=False) == []


async def test_a_long_document_goes_up_in_batches_and_is_deleted_whole(world: World) -> None:
    await world.publish("u1", "long", *[f"passage {number} of the fox" for number in range(2500)])
    await world.publish("u1", "other", "passage of the fox")
    assert await world.count() == 2501
    sent = await world.batches()
    assert {status for status, _ in sent} == {200}
    assert max(count for _, count in sent) <= 1000
    assert await world.texts("u1", "passage 2499", ["long"], most=1) == ["passage 2499 of the fox"]
    await world.index.forget("u1", "long")
    assert await world.count() == 1


async def test_a_batch_of_megabytes_goes_up_without_a_warning_of_the_transport(world: World) -> None:
    await world.publish("u1", "f1", *[f"fox {number} " + "wood " * 2000 for number in range(150)], dimensions=None)
    assert await world.batches() == [(200, 150)]


def test_no_batch_is_longer_than_a_call_may_be() -> None:
    small = [Action(str(number), b"x") for number in range(2500)]
    assert [len(batch) for batch in batches(small)] == [1000, 1000, 500]
    large = [Action(str(number), bytes(20_000)) for number in range(2500)]
    sizes = [sum(len(action.body) for action in batch) for batch in batches(large)]
    assert (max(sizes) <= MOST_BYTES, sum(sizes)) == (True, 2500 * 20_000)
    assert [action for batch in batches(large) for action in batch] == large
    huge = [Action("a", bytes(MOST_BYTES + 1)), Action("b", b"x")]
    assert [len(batch) for batch in batches(huge)] == [1, 1]
    assert list(batches([])) == []
    assert MOST_DOCUMENTS * 20_000 > MOST_BYTES


def test_keys_differ_wherever_owner_file_or_position_do() -> None:
    places = [("a", "bc", 0), ("ab", "c", 0), ("a", "bc", 1), ("1:a", "bc", 0), ("日本", "'/", 7)]
    keys = [key(*place) for place in places]
    assert len(set(keys)) == len(places)
    assert all(one.replace("-", "").isalnum() and one.isascii() for one in keys)


def test_filters_double_quotes_and_take_a_separator_that_is_in_no_id() -> None:
    assert owned_by("o'x") == "owner eq 'o''x'"
    assert owned_by("u", ["a", "b'c"]) == "owner eq 'u' and search.in(file_id, 'a,b''c', ',')"
    assert owned_by("u", ["a,b", "c-d"]) == "owner eq 'u' and search.in(file_id, 'a,b.c-d', '.')"


def test_operators_are_escaped_and_a_text_without_words_is_none() -> None:
    assert harmless('a +b -"c" (d|e)* ~f\\') == r"a \+b \-\"c\" \(d\|e\)\* \~f\\"
    assert harmless("don't") == "don't"
    assert harmless("+-*") == ""


async def test_a_batch_that_is_too_large_is_halved_until_it_fits(tmp_path: Path) -> None:
    async with scripted(tmp_path, "{kind: indexing, times: 2, fault: {kind: status, status: 413}}") as world:
        await world.publish("u1", "f1", *[f"fox {number}" for number in range(100)])
        assert await world.count() == 100
        assert await world.batches() == [(413, 100), (413, 50), (200, 25), (200, 25), (200, 50)]


async def test_a_passage_that_is_too_large_by_itself_is_told(tmp_path: Path) -> None:
    async with scripted(tmp_path, "{kind: indexing, fault: {kind: status, status: 413}}") as world:
        async with failing() as words:
            await world.publish("u1", "f1", "fox", "owl")
        assert "PASSAGE_CHARACTERS" in words[0]


@pytest.mark.parametrize("status", [409, 422, 429, 503])
async def test_documents_that_fail_for_the_moment_are_sent_again_and_only_those(tmp_path: Path, status: int) -> None:
    fault = f"{{kind: items_fail, count: 2, status: {status}}}"
    async with scripted(tmp_path, f"{{kind: indexing, times: 1, fault: {fault}}}") as world:
        await world.publish("u1", "f1", *[f"fox {number}" for number in range(10)])
        assert await world.batches() == [(207, 10), (200, 2)]
        assert await world.count() == 10


async def test_documents_that_fail_for_good_fail_the_file_in_words(tmp_path: Path) -> None:
    fault = "{kind: items_fail, count: 1, status: 400}"
    async with scripted(tmp_path, f"{{kind: indexing, fault: {fault}}}") as world:
        async with failing() as words:
            await world.publish("u1", "f1", "fox", "owl")
        assert words == ["Azure AI Search refused the request. The operator will find the reason in the log."]
        assert len(await world.batches()) == 1


async def test_documents_that_keep_failing_are_given_up_in_words(tmp_path: Path) -> None:
    async with scripted(tmp_path, "{kind: indexing, fault: {kind: items_fail, count: 1}}") as world:
        await world.stage("u1", "f1", ["fox", "owl"])
        async with failing() as words:
            await world.open(wait_seconds=0.6).publish("u1", "f1", "notes.txt")
        assert words == ["Azure AI Search is over its limit. Please try again in a minute."]


@pytest.mark.parametrize("retry_after", ["", ", retry_after: 0.1"])
@pytest.mark.parametrize("status", [429, 503])
async def test_throttling_is_waited_out_with_and_without_being_told_how_long(
    tmp_path: Path, status: int, retry_after: str
) -> None:
    fault = f"{{kind: status, status: {status}{retry_after}}}"
    rules = [f"{{kind: {kind}, times: 1, fault: {fault}}}" for kind in ("search", "indexing")]
    async with scripted(tmp_path, *rules) as world:
        await world.publish("u1", "f1", "a fox")
        assert await world.texts("u1", "fox") == ["a fox"]


async def test_a_wait_that_is_too_long_is_told_at_once(tmp_path: Path) -> None:
    fault = "{kind: status, status: 429, retry_after: 60}"
    async with scripted(tmp_path, f"{{kind: search, when: fox, fault: {fault}}}") as world:
        await world.publish("u1", "f1", "a fox")
        async with failing() as words:
            await world.found("u1", "fox")
        assert words == ["Azure AI Search is over its limit. Please try again in a minute."]
        assert [one["status"] for one in (await world.served.journal())["requests"]].count(429) == 1


async def test_documents_that_searches_show_late_are_waited_for_and_can_be_forgotten(tmp_path: Path) -> None:
    async with scripted(tmp_path, "{kind: indexing, when: late, fault: {kind: shown_late, seconds: 0.4}}") as world:
        await world.publish("u1", "f1", "a late fox")
        assert await world.texts("u1", "fox") == ["a late fox"]


async def test_what_was_sent_a_moment_ago_is_forgotten_though_no_search_shows_it(tmp_path: Path) -> None:
    rules = [
        "{kind: indexing, when: gone, times: 1, fault: {kind: shown_late, seconds: 60}}",
        "{kind: indexing, when: gone, times: 1, fault: {kind: status, status: 400}}",
    ]
    async with scripted(tmp_path, *rules) as world:
        async with failing():
            await world.publish("u1", "f1", *[f"gone {number}" for number in range(600)])
        assert await world.count() == 500
        await world.index.forget("u1", "f1")
        assert await world.count() == 0


async def test_an_index_that_was_deleted_meanwhile_is_told_and_made_anew_by_the_next_document(world: World) -> None:
    await world.publish("u1", "f1", "a fox")
    await world.manage("DELETE")
    async with failing() as words:
        await world.found("u1", "fox")
    assert "The search index is missing." in words[0]
    await world.index.forget("u1", "f1")
    await world.publish("u1", "f2", "another fox")
    assert await world.texts("u1", "fox") == ["another fox"]
    # Also where nobody has noticed before.
    await world.manage("DELETE")
    await world.publish("u1", "f3", "a third fox")
    assert await world.texts("u1", "fox") == ["a third fox"]


async def test_the_index_has_a_fitting_field_for_vectors_and_an_analyser_of_its_own(world: World) -> None:
    await world.publish("u1", "f1", "a fox")
    made = (await world.manage("GET")).json()
    fields = {one["name"]: one for one in made["fields"]}
    assert fields["embedding"] == {
        "name": "embedding",
        "type": "Collection(Edm.Single)",
        "searchable": True,
        "retrievable": False,
        "stored": False,
        "dimensions": DIMENSIONS,
        "vectorSearchProfile": "nearest",
    }
    assert made["vectorSearch"]["algorithms"][0]["hnswParameters"] == {"metric": "cosine"}
    assert [name for name, one in fields.items() if one.get("filterable")] == ["id", "owner", "file_id", "position"]
    assert {fields[name]["analyzer"] for name in ("content", "heading", "name")} == {made["analyzers"][0]["name"]}


async def test_without_embeddings_the_index_has_no_vectors_and_says_so_when_one_comes(world: World) -> None:
    await world.publish("u1", "f1", "a fox", dimensions=None)
    assert "embedding" not in {one["name"] for one in (await world.manage("GET")).json()["fields"]}
    assert await world.texts("u1", "fox", by_vector=False) == ["a fox"]
    assert await world.index.check() == f"index {world.name}, words alone, 1 passages"
    async with failing() as words:
        await world.publish("u1", "f2", "an owl")
    assert "was made without embeddings, and the embedding model gives 64" in words[0]
    async with failing() as words:
        await world.found("u1", "fox")
    assert "AZURE_SEARCH_INDEX_NAME" in words[0]


async def test_embeddings_of_another_size_are_told_in_words(world: World) -> None:
    await world.publish("u1", "f1", "a fox")
    for index in (world.index, world.open()):
        async with failing() as words:
            await index.search("u1", "fox", vector("fox", 8), None, 5)
        assert "holds embeddings of 64 numbers, and the embedding model gives 8" in words[0]
    async with failing() as words:
        await world.publish("u1", "f2", "an owl", dimensions=8)
    assert "holds embeddings of 64 numbers" in words[0]
    await world.publish("u1", "f3", "without a vector", dimensions=None)
    assert await world.texts("u1", "without", by_vector=False) == ["without a vector"]


async def test_an_index_that_was_replaced_by_one_of_another_size_is_noticed(world: World) -> None:
    await world.publish("u1", "f1", "a fox")
    await world.manage("DELETE")
    await world.stage("u1", "f2", ["an owl"], dimensions=8)
    await world.open().publish("u1", "f2", "notes.txt")
    async with failing():
        await world.found("u1", "fox")
    async with failing() as words:
        await world.found("u1", "fox")
    assert "holds embeddings of 8 numbers, and the embedding model gives 64" in words[0]


async def test_an_index_of_something_else_is_left_alone(world: World) -> None:
    body = {"name": world.name, "fields": [{"name": "id", "type": "Edm.String", "key": True}]}
    await world.manage("PUT", body=body)
    async with failing() as words:
        await world.publish("u1", "f1", "a fox")
    assert "made for something else than documents" in words[0]
    async with failing() as words:
        await world.index.check()
    assert "AZURE_SEARCH_INDEX_NAME" in words[0]
    assert (await world.manage("GET")).json() == body


async def test_a_wrong_key_is_told_with_the_setting_to_mend(tmp_path: Path) -> None:
    async with scripted(tmp_path, api_key=KEY) as world:
        await world.publish("u1", "f1", "a fox")
        stranger = world.open(key="wrong")
        for call in (
            stranger.check(),
            stranger.search("u1", "fox", None, None, 5),
            stranger.forget("u1", "f1"),
            stranger.publish("u1", "f1", "notes.txt"),
        ):
            async with failing() as words:
                await call
            assert "AZURE_SEARCH_API_KEY" in words[0]


async def test_no_service_and_another_service_are_told_with_the_setting_to_mend(world: World) -> None:
    nobody = world.open(endpoint="http://127.0.0.1:9", wait_seconds=0.1)
    async with failing() as words:
        await nobody.check()
    assert words == [
        "Azure AI Search cannot be reached. The operator should check AZURE_SEARCH_ENDPOINT and the network."
    ]
    async with failing() as words:
        await world.open(endpoint=f"{world.served.url}/openai/").check()
    assert "is no Azure AI Search" in words[0]


@pytest.mark.parametrize("kind", ["search", "indexing"])
async def test_a_page_instead_of_an_answer_is_told(tmp_path: Path, kind: str) -> None:
    async with scripted(tmp_path, f"{{kind: {kind}, when: fox, fault: {{kind: html}}}}") as world:
        async with failing() as words:
            await world.publish("u1", "f1", "a fox")
            await world.found("u1", "fox")
        assert "is no Azure AI Search" in words[0]


async def test_a_full_service_is_told(tmp_path: Path) -> None:
    message = '"Storage quota has been exceeded for this service."'
    fault = f"{{kind: status, status: 403, message: {message}}}"
    async with scripted(tmp_path, f"{{kind: indexing, fault: {fault}}}") as world:
        async with failing() as words:
            await world.publish("u1", "f1", "a fox")
        assert words[0].startswith("The Azure AI Search service is full.")


async def test_check_says_what_there_is(world: World) -> None:
    assert await world.index.check() == f"index {world.name} is not there yet, the first document makes it"
    await world.publish("u1", "f1", "a fox", "an owl")
    assert await world.index.check() == f"index {world.name}, 64 dimensions, 2 passages"


@pytest.mark.parametrize("name", ["Documents", "a", "-docs", "my_docs", "docs--1", "docs\n", "x" * 129, "docs')/"])
def test_a_name_that_no_index_can_have_is_a_settings_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="AZURE_SEARCH_INDEX_NAME: must be 2 to 128"):
        AzureSearchIndex("http://127.0.0.1:9", KEY, name, passages=None, wait_seconds=5.0)  # type: ignore[arg-type]


def run(program: str) -> Mapping[str, Any]:
    """What a Python program of its own prints as JSON."""
    output = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, timeout=60)
    answer: Mapping[str, Any] = orjson.loads(output.stdout)
    return answer


def test_the_package_is_imported_only_where_the_index_is_opened_and_a_missing_one_is_told_in_words() -> None:
    told = run(
        """
import sys, json
import mockbackend.documents.azure_search as azure_search
early = [name for name in sys.modules if name.partition(".")[0] == "azure"]
# As where it is not installed.
sys.modules["azure"] = None
try:
    azure_search.AzureSearchIndex("http://127.0.0.1:9", "key", "docs", None, 5.0)
except azure_search.SettingsError as error:
    print(json.dumps({"early": early, "problems": error.problems}))
"""
    )
    assert told == {
        "early": [],
        "problems": ["AZURE_SEARCH_ENDPOINT needs the extra: pip install 'mockbackend[azure-search]'"],
    }
