"""Queries by words, by vectors and by both, and how their answers come."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.search.documents.aio import SearchClient
from azure.search.documents.models import VectorizedQuery

from tests.emulator.search.clients import (
    VERSION,
    fill,
    found,
    managing,
    named,
    post,
)
from tests.harness.emulator import Emulator


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


async def test_a_vector_of_the_wrong_length_or_field_is_refused(docs: SearchClient) -> None:
    with pytest.raises(HttpResponseError, match=r"expects a length of '3'\. However, .* has a length of '2'"):
        await found(docs, vector_queries=[VectorizedQuery(vector=[1, 2], k_nearest_neighbors=5, fields="embedding")])
    with pytest.raises(HttpResponseError, match="Unknown field 'content' in vector field list"):
        await found(docs, vector_queries=[VectorizedQuery(vector=[1, 2], k_nearest_neighbors=5, fields="content")])


@pytest.mark.slow
async def test_the_client_pages_through_all_that_was_found(plain: Emulator, docs: SearchClient) -> None:
    for start, end in ((0, 1000), (1000, 1100)):
        batch = {"value": [{"id": str(key), "page": key} for key in range(start, end)]}
        assert (await post(plain, f"/indexes('{named(docs)}')/docs/search.index", batch)).status_code == 200
    everything = await docs.search("*", filter="page lt 120", include_total_count=True)
    assert await everything.get_count() == 120
    assert [row["page"] async for row in everything] == list(range(120))
    bodies = [one["body"] for one in (await plain.journal())["requests"] if one["path"].endswith("post.search")]
    assert [body.get("skip") for body in bodies[-3:]] == [None, 50, 100]
    assert len(await found(docs, "*", top=1050)) == 1050
    assert await found(docs, "*", top=3, skip=10, order_by=["page desc"]) == ["1089", "1088", "1087"]
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
        ({"search": 7}, "'search' must be a string"),
        ({"filter": 7}, "must be a string"),
        ({"top": -1}, "Value must be between"),
        ({"skip": 100_001}, "Value must be between 0 and 100000"),
        ({"count": "yes"}, "true or false"),
        ({"facets": ["owner"]}, "'facets' is not emulated"),
        ({"queryType": "semantic"}, "'simple' is emulated"),
        ({"searchFields": "owner"}, "not searchable"),
        ({"orderby": "owner,content asc"}, "must be a sortable field"),
        ({"vectorQueries": [{"kind": "text", "text": "x"}]}, "Only the kind 'vector'"),
        ({"vectorQueries": [{"kind": "vector", "vector": [1, 2, 3], "k": 0, "fields": "embedding"}]}, "'k'"),
        ({"vectorQueries": [{"kind": "vector", "vector": [1, None], "fields": "embedding"}]}, "list of numbers"),
        ({"vectorQueries": {}}, "list of objects"),
    ],
)
async def test_an_impossible_query_is_refused_in_words(
    plain: Emulator, docs: SearchClient, body: dict[str, Any], words: str
) -> None:
    answer = await post(plain, f"/indexes('{named(docs)}')/docs/search.post.search", body)
    assert (answer.status_code, answer.json()["error"].keys()) == (400, {"code", "message"})
    assert words in answer.json()["error"]["message"]


async def test_a_body_that_is_not_an_object_is_refused(plain: Emulator, docs: SearchClient) -> None:
    for path in ("search.index", "search.post.search"):
        async with plain.http() as http:
            url = f"/indexes('{named(docs)}')/docs/{path}?api-version={VERSION}"
            for content in (b"", b"[]", b"{", b"\xff"):
                assert (await http.post(url, content=content)).status_code == 400


async def test_the_statistics_count_what_is_stored(plain: Emulator, docs: SearchClient) -> None:
    await docs.upload_documents([{"id": "a", "content": "12345", "embedding": [1, 2, 3]}, {"id": "b"}])
    async with managing(plain) as indexes:
        statistics = await indexes.get_index_statistics(named(docs))
    assert (statistics["documentCount"], statistics["vectorIndexSize"]) == (2, 12)
    await docs.delete_documents([{"id": "a"}, {"id": "b"}])
    async with managing(plain) as indexes:
        assert (await indexes.get_index_statistics(named(docs)))["storageSize"] == 0
