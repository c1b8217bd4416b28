"""Indexes: made, changed, listed, deleted, and who may."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.search.documents.aio import SearchClient
from azure.search.documents.indexes.models import (
    SimpleField,
)

from tests.emulator.conftest import Emulate
from tests.emulator.search.clients import (
    VERSION,
    definition,
    managing,
    named,
    numbers,
    post,
)
from tests.harness.emulator import KEY, Emulator
from tests.harness.http_client import PLAIN


async def test_an_index_is_made_changed_listed_and_deleted(plain: Emulator) -> None:
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


async def test_a_new_index_is_a_201_and_the_same_again_a_200(plain: Emulator) -> None:
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
    plain: Emulator, change: dict[str, Any], words: str
) -> None:
    answer = await post(plain, "/indexes", {"name": "refused", "fields": [], **change})
    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]


async def test_a_field_can_be_neither_changed_nor_left_out(plain: Emulator, docs: SearchClient) -> None:
    async with managing(plain) as indexes:
        changed = definition(named(docs))
        changed.fields[5].vector_search_dimensions = 4
        with pytest.raises(HttpResponseError, match="Existing field 'embedding' cannot be changed"):
            await indexes.create_or_update_index(changed)
        changed.fields.pop()
        with pytest.raises(HttpResponseError, match="'embedding' cannot be deleted"):
            await indexes.create_or_update_index(changed)


async def test_a_wrong_key_is_a_403_and_so_is_a_missing_one(emulate: Emulate) -> None:
    served = emulate(api_key=KEY)
    async with managing(served, key="other") as indexes:
        with pytest.raises(HttpResponseError) as caught:
            await indexes.get_index("docs")
    assert caught.value.status_code == 403
    async with httpx2.AsyncClient(base_url=served.url, **PLAIN) as http:
        answer = await http.get(f"/indexes('docs')?api-version={VERSION}")
    assert answer.status_code == 403
    assert answer.json()["error"].keys() == {"code", "message"}


async def test_an_api_version_must_be_given_and_be_a_date(plain: Emulator) -> None:
    async with plain.http() as http:
        assert (await http.get("/indexes('docs')")).json()["error"]["code"] == "MissingApiVersionParameter"
        assert (await http.get("/indexes('docs')?api-version=v1")).status_code == 400
        assert (await http.get("/indexes('docs')?api-version=2024-07-01")).status_code == 404
