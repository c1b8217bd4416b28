"""Azure AI Search: the real client's calls over the wire, and the bytes that answer them."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.search.documents.aio import SearchClient
from azure.search.documents.indexes.aio import SearchIndexClient
from azure.search.documents.indexes.models import (
    HnswAlgorithmConfiguration,
    SearchableField,
    SearchField,
    SearchIndex,
    SimpleField,
    VectorSearch,
    VectorSearchProfile,
)
from azure.search.documents.models import VectorizedQuery
from hypothesis import given
from hypothesis import strategies as st

from mockbackend.emulator import rules
from mockbackend.emulator.errors import AzureError
from mockbackend.emulator.search.filter import read_filter
from mockbackend.emulator.search.schema import read_schema
from tests.emulator.conftest import Emulate
from tests.emulator.serving import KEY, Served

VERSION = "2026-04-01"
PAGE = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text(encoding="utf-8")
numbers = itertools.count(1)


def definition(name: str) -> SearchIndex:
    """An index as the documentation's quickstarts make one."""
    return SearchIndex(
        name=name,
        fields=[
            SimpleField(name="id", type="Edm.String", key=True, filterable=True, sortable=True),
            SearchableField(name="content", type="Edm.String", analyzer_name="standard.lucene"),
            SimpleField(name="owner", type="Edm.String", filterable=True),
            SimpleField(name="page", type="Edm.Int32", filterable=True, sortable=True),
            SimpleField(name="draft", type="Edm.Boolean", filterable=True),
            SearchField(
                name="embedding",
                type="Collection(Edm.Single)",
                searchable=True,
                hidden=True,
                vector_search_dimensions=3,
                vector_search_profile_name="vp",
            ),
        ],
        vector_search=VectorSearch(
            algorithms=[HnswAlgorithmConfiguration(name="hnsw")],
            profiles=[VectorSearchProfile(name="vp", algorithm_configuration_name="hnsw")],
        ),
    )


@asynccontextmanager
async def managing(served: Served, key: str = KEY) -> AsyncIterator[SearchIndexClient]:
    async with SearchIndexClient(served.url, AzureKeyCredential(key)) as client:
        yield client


@asynccontextmanager
async def searching(served: Served, index: str, **options: Any) -> AsyncIterator[SearchClient]:
    async with SearchClient(served.url, index, AzureKeyCredential(KEY), **options) as client:
        yield client


@pytest.fixture
async def docs(plain: Served) -> AsyncIterator[SearchClient]:
    """A client of a new index, which is deleted with the test."""
    name = f"docs-{next(numbers)}"
    async with managing(plain) as indexes, searching(plain, name) as client:
        await indexes.create_or_update_index(definition(name))
        yield client
        await indexes.delete_index(name)


def named(docs: SearchClient) -> str:
    return str(docs._config.index_name)


async def found(docs: SearchClient, text: str | None = None, **options: Any) -> list[str]:
    return [row["id"] async for row in await docs.search(text, **options)]


async def fill(docs: SearchClient, **contents: str) -> None:
    await docs.upload_documents([{"id": key, "content": content} for key, content in contents.items()])


async def post(served: Served, path: str, body: Any, **headers: str) -> httpx2.Response:
    async with served.http() as http:
        return await http.post(f"{path}?api-version={VERSION}", json=body, headers=headers)


async def test_an_index_is_made_changed_listed_and_deleted(plain: Served) -> None:
    name = f"docs-{next(numbers)}"
    async with managing(plain) as indexes:
        made = await indexes.create_index(definition(name))
        with pytest.raises(ResourceExistsError):
            await indexes.create_index(definition(name))
        made.fields.append(SimpleField(name="place", type="Edm.String"))
        await indexes.create_or_update_index(made)
        read = await indexes.get_index(name)
        assert [field.name for field in read.fields][-2:] == ["embedding", "place"]
        assert read.fields[5].vector_search_dimensions == 3
        assert [one.name async for one in indexes.list_indexes()] == [name]
        await indexes.delete_index(name)
        with pytest.raises(ResourceNotFoundError, match=f"No index with the name '{name}' was found"):
            await indexes.get_index(name)
    async with plain.http() as http:
        assert (await http.delete(f"/indexes('{name}')?api-version={VERSION}")).status_code == 404


async def test_a_new_index_is_a_201_and_the_same_again_a_200(plain: Served) -> None:
    name = f"docs-{next(numbers)}"
    body = {"name": name, "fields": [{"name": "id", "type": "Edm.String", "key": True}]}
    async with plain.http() as http:
        answers = [await http.put(f"/indexes('{name}')?api-version={VERSION}", json=body) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [201, 200]
        assert answers[0].json() == body
        gone = await http.delete(f"/indexes('{name}')?api-version={VERSION}")
    assert (gone.status_code, gone.content) == (204, b"")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "Not_OK"}, "Index name must only contain lowercase letters"),
        ({"fields": []}, "exactly one key field"),
        ({"fields": [{"name": "id", "type": "Edm.Int32", "key": True}]}, "exactly one key field"),
        ({"fields": [{"name": "1d", "type": "Edm.String", "key": True}]}, "Invalid field name"),
        ({"fields": [{"name": "id", "type": "Edm.Text", "key": True}]}, "'Edm.Text'"),
        ({"fields": [{"name": "id", "type": "Edm.String", "key": True, "analyzer": "none"}]}, "'none'"),
        ({"fields": [{"name": "v", "type": "Collection(Edm.Single)"}]}, "'dimensions'"),
        ({"fields": [{"name": "v", "type": "Collection(Edm.Single)", "dimensions": 3}]}, "'vectorSearchProfile'"),
        ({"fields": [{"name": "id", "type": "Edm.String", "key": "yes"}]}, "true or false"),
        ({"fields": "id"}, "list of objects"),
    ],
)
async def test_a_definition_that_makes_no_index_is_refused_in_words(
    plain: Served, change: dict[str, Any], words: str
) -> None:
    answer = await post(plain, "/indexes", {"name": "refused", "fields": [], **change})
    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]


async def test_a_field_can_be_neither_changed_nor_left_out(plain: Served, docs: SearchClient) -> None:
    async with managing(plain) as indexes:
        changed = definition(named(docs))
        changed.fields[5].vector_search_dimensions = 4
        with pytest.raises(HttpResponseError, match="Existing field 'embedding' cannot be changed"):
            await indexes.create_or_update_index(changed)
        changed.fields.pop()
        with pytest.raises(HttpResponseError, match="'embedding' cannot be deleted"):
            await indexes.create_or_update_index(changed)


async def test_a_wrong_key_is_a_403_and_none_as_well(emulate: Emulate) -> None:
    served = emulate(api_key=KEY)
    async with managing(served, key="other") as indexes:
        with pytest.raises(HttpResponseError) as caught:
            await indexes.get_index("docs")
    assert caught.value.status_code == 403
    async with httpx2.AsyncClient(base_url=served.url, trust_env=False) as http:
        answer = await http.get(f"/indexes('docs')?api-version={VERSION}")
    assert answer.status_code == 403
    assert answer.json()["error"].keys() == {"code", "message"}


async def test_an_api_version_must_be_given_and_be_a_date(plain: Served) -> None:
    async with plain.http() as http:
        assert (await http.get("/indexes('docs')")).json()["error"]["code"] == "MissingApiVersionParameter"
        assert (await http.get("/indexes('docs')?api-version=v1")).status_code == 400
        assert (await http.get("/indexes('docs')?api-version=2024-07-01")).status_code == 404


async def test_every_document_of_a_batch_has_a_status_and_a_failed_one_raises_nothing(docs: SearchClient) -> None:
    await fill(docs, a="one")
    results = await docs.upload_documents([{"id": "a", "content": "two"}, {"id": "b"}])
    assert [(one.key, one.succeeded, one.status_code) for one in results] == [("a", True, 200), ("b", True, 201)]
    mixed = await docs.merge_documents([{"id": "a", "page": 7}, {"id": "none", "page": 1}])
    assert [(one.succeeded, one.status_code) for one in mixed] == [(True, 200), (False, 404)]
    assert mixed[1].error_message == "Document not found."
    kept = await docs.get_document("a")
    assert (kept["content"], kept["page"]) == ("two", 7)
    await docs.merge_or_upload_documents([{"id": "a", "content": "three"}, {"id": "c", "content": "four"}])
    assert (await docs.get_document("a"))["page"] == 7
    removed = await docs.delete_documents([{"id": "a"}, {"id": "never"}])
    assert [one.status_code for one in removed] == [200, 200]
    assert await docs.get_document_count() == 2
    with pytest.raises(ResourceNotFoundError):
        await docs.get_document("a")


async def test_the_bytes_are_those_that_azure_documents(plain: Served, docs: SearchClient) -> None:
    path = f"/indexes('{named(docs)}')/docs"
    batch = {
        "value": [
            {"@search.action": "mergeOrUpload", "id": "1", "content": "a fox", "owner": "u1"},
            {"@search.action": "merge", "id": "2"},
        ]
    }
    indexed = await post(plain, f"{path}/search.index", batch, accept="application/json;odata.metadata=none")
    assert indexed.status_code == 207
    assert indexed.json() == {
        "value": [
            {"key": "1", "status": True, "errorMessage": None, "statusCode": 201},
            {"key": "2", "status": False, "errorMessage": "Document not found.", "statusCode": 404},
        ]
    }
    assert indexed.headers["content-type"] == "application/json; odata.metadata=none"
    query = {
        "search": "fox",
        "count": True,
        "filter": "owner eq 'u1'",
        "select": "id,content",
        "top": 5,
        "vectorQueries": [{"kind": "vector", "vector": [1, 0, 0], "k": 50, "fields": "embedding"}],
    }
    answer = await post(plain, f"{path}/search.post.search", query)
    assert list(answer.json()) == ["@odata.count", "value"]
    assert answer.json() == {
        "@odata.count": 1,
        "value": [{"@search.score": pytest.approx(1 / 61), "id": "1", "content": "a fox"}],
    }
    assert (await post(plain, "/indexes('never')/docs/search.index", batch)).json() == {
        "error": {
            "code": "",
            "message": "No index with the name 'never' was found in the service 'emulator'.",
        }
    }


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"id": "a b"}, "Invalid document key: 'a b'"),
        ({"id": "_a"}, "Invalid document key"),
        ({"content": "x"}, "Document key cannot be missing"),
        ({"id": "a", "title": "x"}, "The property 'title' does not exist"),
        ({"id": "a", "content": 7}, "'content' to 'Edm.String'"),
        ({"id": "a", "page": "7"}, "'page' to 'Edm.Int32'"),
        ({"id": "a", "page": True}, "'page' to 'Edm.Int32'"),
        ({"id": "a", "embedding": [1, 2]}, "expects a length of '3'. However, the provided vector has a length of '2'"),
        ({"id": "a", "embedding": ["x", 0, 0]}, "'embedding'"),
    ],
)
async def test_a_document_that_does_not_fit_refuses_the_batch(
    docs: SearchClient, document: dict[str, Any], words: str
) -> None:
    with pytest.raises(HttpResponseError, match=re.escape(words)) as caught:
        await docs.upload_documents([{"id": "good"}, document])
    assert caught.value.status_code == 400
    assert await docs.get_document_count() == 0


async def test_a_batch_has_at_most_a_thousand_documents_and_16_mb(plain: Served, docs: SearchClient) -> None:
    with pytest.raises(HttpResponseError, match=r"1001\. The limit is 1000"):
        await docs.upload_documents([{"id": str(number)} for number in range(1001)])
    long = {"value": [{"id": "a", "content": "x" * (16 * 1024 * 1024)}]}
    assert (await post(plain, f"/indexes('{named(docs)}')/docs/search.index", long)).status_code == 413


@pytest.mark.parametrize(
    ("expression", "keys"),
    [
        ("owner eq 'u1'", "ab"),
        ("owner eq 'o''x'", "d"),
        ("owner ne 'u1'", "cde"),
        ("owner eq null", "e"),
        ("not (owner eq 'u1') and page gt 2", "cd"),
        ("owner eq 'u1' or owner eq 'u2' and page eq 9", "ab"),
        ("(owner eq 'u1' or owner eq 'u2') and page ge 3", "c"),
        ("search.in(owner, 'u1, u2')", "abc"),
        ("search.in(owner, 'u1|o''x|', '|')", "abd"),
        ("search.in(owner, 'u1 u2', '|')", ""),
        ("search.in(id, 'a;b,c', ';,') and not draft", "bc"),
        ("draft", "a"),
        ("draft eq false", "b"),
        ("page le 2", "ab"),
        ("page lt 1.5", "a"),
        ("page gt -1 and page gt 3", "d"),
        ("id gt 'c'", "de"),
        ("owner eq '日本 ''quoted'' and eq'", ""),
        ("", "abcde"),
    ],
)
async def test_filters_choose(docs: SearchClient, expression: str, keys: str) -> None:
    await docs.upload_documents(
        [
            {"id": "a", "owner": "u1", "page": 1, "draft": True},
            {"id": "b", "owner": "u1", "page": 2, "draft": False},
            {"id": "c", "owner": "u2", "page": 3},
            {"id": "d", "owner": "o'x", "page": 4},
            {"id": "e"},
        ]
    )
    assert "".join(await found(docs, filter=expression)) == keys


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("owner == 'u1'", "Syntax error at position 6"),
        ("owner eq 'u1", "Syntax error at position 9"),
        ("owner eq", "Syntax error"),
        ("owner eq 'u1' page eq 1", "Syntax error"),
        ("(owner eq 'u1'", "Syntax error"),
        ("search.in(owner)", "Syntax error"),
        ("search.in(owner, 1)", "Syntax error"),
        ("null eq owner", "Syntax error"),
        ("owner", "Syntax error"),
        ("nobody eq 'u1'", "Could not find a property named 'nobody' on type 'search.document'"),
        ("content eq 'x'", "'content' is not a filterable field"),
        ("page eq '1'", "incompatible types"),
        ("owner eq 1", "incompatible types"),
        ("draft eq 'true'", "incompatible types"),
        ("(" * 500 + "draft" + ")" * 500, "recursion limit"),
    ],
)
async def test_a_filter_that_is_none_is_refused_in_words(docs: SearchClient, expression: str, words: str) -> None:
    with pytest.raises(HttpResponseError, match=re.escape(words)) as caught:
        await found(docs, filter=expression)
    assert caught.value.status_code == 400


SCHEMA = read_schema(
    {"name": "docs", "fields": [{"name": "id", "type": "Edm.String", "key": True}, {"name": "n", "type": "Edm.Int32"}]}
)


@given(
    st.lists(
        st.sampled_from(
            ["id", "n", "eq", "and", "or", "not", "(", ")", ",", "'a'", "''", "1", "search.in", "null", "'"]
        )
    )
)
def test_no_filter_is_more_than_refused(tokens: list[str]) -> None:
    try:
        test = read_filter(" ".join(tokens), SCHEMA)
    except AzureError as error:
        refused: int | None = error.status
    else:
        refused = None
        assert test({"id": "a", "n": 1}) in (True, False)
    assert refused in (None, 400)


async def test_the_rarer_word_counts_for_more_and_the_shorter_text_too(docs: SearchClient) -> None:
    await fill(docs, a="the fox and the hound", b="the hound", c="the hound ran far, far away over the hills", d="the")
    assert await found(docs, "hound fox") == ["a", "b", "c"]
    assert await found(docs, "HOUND") == ["b", "a", "c"]
    assert await found(docs, "nothing of it") == []


async def test_words_are_found_without_accents_and_cjk_by_pairs_of_characters(docs: SearchClient) -> None:
    await fill(docs, a="Ein Café in Köln", b="東京都の図書館", c="京都の寺", d="서울의 도서관")
    assert await found(docs, "cafe koln") == ["a"]
    assert await found(docs, "図書館") == ["b"]
    assert await found(docs, "도서관") == ["d"]


@pytest.mark.parametrize(
    ("query", "mode", "keys"),
    [
        ("red +owl", "any", "b"),
        ("red -fox", "all", "b"),
        ("-fox", "any", "bc"),
        (r"\-fox", "any", "ad"),
        ('"red fox"', "any", "a"),
        (r"\"fox red\"", "any", "abd"),
        ("fo*", "any", "ad"),
        (r"fo\*", "any", ""),
        ("red fox", "all", "ad"),
        ("(red | owl)", "any", "abd"),
        ("*", "any", "abcd"),
        ('"', "any", ""),
    ],
)
async def test_the_simple_syntax_has_operators_and_a_backslash_takes_them_away(
    docs: SearchClient, query: str, mode: str, keys: str
) -> None:
    await fill(docs, a="a red fox", b="a red owl", c="a grey hen", d="a fox, quite red")
    assert "".join(sorted(await found(docs, query, search_mode=mode))) == keys


def near(x: float, y: float, z: float, k: int = 50) -> list[Any]:
    return [VectorizedQuery(vector=[x, y, z], k_nearest_neighbors=k, fields="embedding")]


async def test_the_nearest_vectors_come_first_with_azures_score(docs: SearchClient) -> None:
    await docs.upload_documents(
        [
            {"id": "a", "embedding": [2, 0, 0]},
            {"id": "b", "embedding": [1, 1, 0]},
            {"id": "c", "embedding": [0, 0, 5]},
            {"id": "d"},
        ]
    )
    rows = [row async for row in await docs.search(None, vector_queries=near(3, 0, 0))]
    assert [row["id"] for row in rows] == ["a", "b", "c"]
    assert [row["@search.score"] for row in rows] == pytest.approx([1, 1 / (2 - 0.5**0.5), 0.5])
    assert await found(docs, vector_queries=near(3, 0, 0, k=1)) == ["a"]
    assert await found(docs, vector_queries=near(3, 0, 0), filter="id ne 'a'") == ["b", "c"]


async def test_a_hybrid_query_fuses_both_lists_by_reciprocal_rank(docs: SearchClient) -> None:
    await docs.upload_documents(
        [
            {"id": "words", "content": "fox fox", "embedding": [0, 1, 0]},
            {"id": "both", "content": "one fox in the wood", "embedding": [1, 0.5, 0]},
            {"id": "vector", "content": "an owl", "embedding": [1, 0, 0]},
        ]
    )
    rows = [row async for row in await docs.search("fox", vector_queries=near(1, 0, 0, k=2), include_total_count=True)]
    assert [row["id"] for row in rows] == ["both", "words", "vector"]
    assert [row["@search.score"] for row in rows] == pytest.approx([2 / 62, 1 / 61, 1 / 61])


async def test_a_vector_of_another_length_or_of_no_field_is_refused(docs: SearchClient) -> None:
    with pytest.raises(HttpResponseError, match=r"expects a length of '3'\. However, .* has a length of '2'"):
        await found(docs, vector_queries=[VectorizedQuery(vector=[1, 2], k_nearest_neighbors=5, fields="embedding")])
    with pytest.raises(HttpResponseError, match="Unknown field 'content' in vector field list"):
        await found(docs, vector_queries=[VectorizedQuery(vector=[1, 2], k_nearest_neighbors=5, fields="content")])


async def test_the_client_pages_through_all_that_was_found(plain: Served, docs: SearchClient) -> None:
    for start in (0, 1000):
        await docs.upload_documents([{"id": str(key), "page": key} for key in range(start, start + 1000)])
    everything = await docs.search("*", filter="page lt 120", include_total_count=True)
    assert await everything.get_count() == 120
    assert [row["page"] async for row in everything] == list(range(120))
    bodies = [one["body"] for one in (await plain.journal())["requests"] if one["path"].endswith("post.search")]
    assert [body.get("skip") for body in bodies[-3:]] == [None, 50, 100]
    assert len(await found(docs, "*", top=1500)) == 1500
    assert await found(docs, "*", top=3, skip=10, order_by=["page desc"]) == ["1989", "1988", "1987"]
    assert await found(docs, "*", top=0) == []


async def test_select_chooses_fields_and_a_hidden_vector_is_never_shown(docs: SearchClient) -> None:
    await docs.upload_documents([{"id": "a", "content": "x", "page": 1, "embedding": [1, 0, 0]}])
    (row,) = [row async for row in await docs.search("*", select=["page", "id"])]
    assert {name for name in row if not name.startswith("@")} == {"page", "id"}
    (row,) = [row async for row in await docs.search("*")]
    assert {name for name in row if not name.startswith("@")} == {"id", "content", "owner", "page", "draft"}
    for name in ("embedding", "title"):
        with pytest.raises(HttpResponseError, match=f"Could not find a property named '{name}'"):
            await found(docs, select=[name])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"search": 7}, "'search' must be a text"),
        ({"filter": 7}, "must be a text"),
        ({"top": -1}, "Value must be between"),
        ({"skip": 100_001}, "Value must be between 0 and 100000"),
        ({"count": "yes"}, "true or false"),
        ({"facets": ["owner"]}, "'facets' is not emulated"),
        ({"queryType": "semantic"}, "'simple' is emulated"),
        ({"searchFields": "owner"}, "not searchable"),
        ({"orderby": "owner,content asc"}, "no sortable field"),
        ({"vectorQueries": [{"kind": "text", "text": "x"}]}, "Only the kind 'vector'"),
        ({"vectorQueries": [{"kind": "vector", "vector": [1, 2, 3], "k": 0, "fields": "embedding"}]}, "'k'"),
        ({"vectorQueries": [{"kind": "vector", "vector": [1, None], "fields": "embedding"}]}, "list of numbers"),
        ({"vectorQueries": {}}, "list of objects"),
    ],
)
async def test_what_cannot_be_asked_is_refused_in_words(
    plain: Served, docs: SearchClient, body: dict[str, Any], words: str
) -> None:
    answer = await post(plain, f"/indexes('{named(docs)}')/docs/search.post.search", body)
    assert (answer.status_code, answer.json()["error"].keys()) == (400, {"code", "message"})
    assert words in answer.json()["error"]["message"]


async def test_a_body_that_is_no_object_is_refused(plain: Served, docs: SearchClient) -> None:
    for path in ("search.index", "search.post.search"):
        async with plain.http() as http:
            url = f"/indexes('{named(docs)}')/docs/{path}?api-version={VERSION}"
            for content in (b"", b"[]", b"{", b"\xff"):
                assert (await http.post(url, content=content)).status_code == 400


async def test_what_is_stored_is_told_by_the_statistics(plain: Served, docs: SearchClient) -> None:
    await docs.upload_documents([{"id": "a", "content": "12345", "embedding": [1, 2, 3]}, {"id": "b"}])
    async with managing(plain) as indexes:
        told = await indexes.get_index_statistics(named(docs))
    assert (told["documentCount"], told["vectorIndexSize"]) == (2, 12)
    await docs.delete_documents([{"id": "a"}, {"id": "b"}])
    async with managing(plain) as indexes:
        assert (await indexes.get_index_statistics(named(docs)))["storageSize"] == 0


async def scripted(emulate: Emulate, rule: str) -> Served:
    """An emulator with one rule, and an empty index `docs`."""
    served = emulate(f"rules: [{rule}]")
    async with managing(served) as indexes:
        await indexes.create_index(definition("docs"))
    return served


async def test_a_script_throttles_searches_and_the_client_waits_where_it_is_told_how_long(emulate: Emulate) -> None:
    served = await scripted(
        emulate, "{kind: search, when: fox, times: 1, fault: {kind: status, status: 429, retry_after: 0.1}}"
    )
    async with searching(served, "docs") as docs:
        await fill(docs, a="a fox")
        assert await found(docs, "fox") == ["a"]
    statuses = [one["status"] for one in (await served.journal())["requests"] if one["path"].endswith("post.search")]
    assert statuses == [429, 200]


async def test_a_bare_429_of_a_post_fails_at_once(emulate: Emulate) -> None:
    served = await scripted(emulate, "{kind: search, times: 1, fault: {kind: status, status: 429}}")
    async with searching(served, "docs") as docs:
        with pytest.raises(HttpResponseError, match="too many requests"):
            await found(docs, "fox")
        assert await found(docs, "fox") == []


async def test_a_script_fails_documents_of_a_batch_by_its_text_and_its_index(emulate: Emulate) -> None:
    rule = "{kind: indexing, deployment: docs, when: füchse, fault: {kind: items_fail, count: 2, status: 429}}"
    served = await scripted(emulate, rule)
    async with searching(served, "docs") as docs:
        results = await docs.upload_documents([{"id": key, "content": "Füchse"} for key in "abc"])
        assert [(one.succeeded, one.status_code) for one in results] == [(False, 429), (False, 429), (True, 201)]
        assert [one["path"] for one in (await served.journal())["requests"] if one["status"] == 207] != []
        assert await found(docs, "*") == ["c"]
        assert [one.status_code for one in await docs.upload_documents([{"id": "d", "content": "Eulen"}])] == [201]


async def test_a_script_shows_documents_late(emulate: Emulate) -> None:
    served = await scripted(emulate, "{kind: indexing, times: 1, fault: {kind: shown_late, seconds: 0.3}}")
    async with searching(served, "docs") as docs:
        await fill(docs, a="a fox")
        await fill(docs, b="a fox")
        assert (await found(docs, "fox"), await docs.get_document_count()) == (["b"], 2)
        # That long it is late, and no longer.
        await asyncio.sleep(0.31)
        assert await found(docs, "fox") == ["a", "b"]


@pytest.mark.parametrize(("body", "content"), [("azure", "{"), ("html", "<"), ("empty", "")])
async def test_a_script_answers_with_a_status_in_three_shapes(emulate: Emulate, body: str, content: str) -> None:
    rule = f"{{kind: indexing, fault: {{kind: status, status: 503, body: {body}}}}}"
    served = await scripted(emulate, rule)
    answer = await post(served, "/indexes('docs')/docs/search.index", {"value": [{"id": "a"}]})
    assert (answer.status_code, answer.text[:1]) == (503, content)


@pytest.fixture
def pages_search() -> str:
    return PAGE.partition("## Azure AI Search")[2].partition("\n## ")[0]


def test_the_page_tells_of_the_paths_and_the_rules(pages_search: str) -> None:
    for path in ("search.index", "search.post.search", "search.stats", "$count"):
        assert path in pages_search
    for step in (rules.SearchStep, rules.IndexingStep):
        for field in dataclasses.fields(step):
            assert f"`{field.name}`" in PAGE
    for kind in ("search", "indexing"):
        assert f"`{kind}`" in PAGE


async def test_the_pages_example_works(plain: Served, pages_search: str) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", pages_search, re.DOTALL)
    settings: dict[str, Any] = {}
    exec(compile(example.replace("http://127.0.0.1:8081", plain.url), "example", "exec"), settings)  # noqa: S102
    async with managing(plain) as indexes:
        await indexes.delete_index("notes")
    assert orjson.dumps(settings["found"]) == b'["1"]'
