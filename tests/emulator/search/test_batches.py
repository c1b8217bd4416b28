"""Batches of documents: a status for each, and what refuses them all."""

from __future__ import annotations

import re
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.search.documents.aio import SearchClient

from tests.emulator.search.clients import (
    fill,
    named,
    post,
)
from tests.harness.emulator import Emulator


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


async def test_the_bytes_are_those_that_azure_documents(plain: Emulator, docs: SearchClient) -> None:
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


@pytest.mark.slow
async def test_a_batch_has_at_most_a_thousand_documents_and_16_mb(plain: Emulator, docs: SearchClient) -> None:
    with pytest.raises(HttpResponseError, match=r"1001\. The limit is 1000"):
        await docs.upload_documents([{"id": str(number)} for number in range(1001)])
    long = {"value": [{"id": "a", "content": "x" * (16 * 1024 * 1024)}]}
    assert (await post(plain, f"/indexes('{named(docs)}')/docs/search.index", long)).status_code == 413
