"""How the index is made, and what is said of one that does not fit."""

from __future__ import annotations

import pytest

from mockbackend.documents.index.azure.schema import vector_field
from tests.documents.index.azure.emulated import DIMENSIONS, MODEL, EmulatedIndex, failing, vector

FIELD = vector_field(MODEL, DIMENSIONS)


async def fields_of(emulated: EmulatedIndex) -> set[str]:
    """The names of the index's fields."""
    return {one["name"] for one in (await emulated.manage("GET")).json()["fields"]}


async def test_a_deleted_index_is_reported_and_created_again_by_the_next_document(
    emulated: EmulatedIndex,
) -> None:
    await emulated.publish("u1", "f1", "a fox")
    await emulated.manage("DELETE")
    async with failing() as words:
        await emulated.found("u1", "fox")
    assert "The search index is missing." in words[0]
    await emulated.index.forget("u1", "f1")
    await emulated.publish("u1", "f2", "another fox")
    assert await emulated.texts("u1", "fox") == ["another fox"]
    # Also where nobody has noticed before.
    await emulated.manage("DELETE")
    await emulated.publish("u1", "f3", "a third fox")
    assert await emulated.texts("u1", "fox") == ["a third fox"]


async def test_the_index_has_a_fitting_field_for_vectors_and_an_analyser_of_its_own(emulated: EmulatedIndex) -> None:
    await emulated.publish("u1", "f1", "a fox")
    made = (await emulated.manage("GET")).json()
    fields = {one["name"]: one for one in made["fields"]}
    assert fields[FIELD] == {
        "name": FIELD,
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


async def test_the_first_vectors_come_to_an_index_that_was_made_without(emulated: EmulatedIndex) -> None:
    await emulated.publish("u1", "f1", "a fox", dimensions=None)
    assert FIELD not in await fields_of(emulated)
    assert await emulated.index.check() == f"index {emulated.name}, words only, 1 passages"
    # There is nothing yet to compare a vector with.
    assert await emulated.texts("u1", "fox") == ["a fox"]
    assert await emulated.index.search("u1", "…", vector("fox"), None, 5) == []
    await emulated.publish("u1", "f2", "an owl")
    assert await emulated.index.check() == f"index {emulated.name}, 64 dimensions, 2 passages"
    only_vector = await emulated.index.search("u1", "…", vector("an owl"), None, 5)
    assert [one.passage.text for one in only_vector] == ["an owl"]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("changes", [{"model": "large"}, {}], ids=["of the same size", "of another size"])
async def test_vectors_of_another_model_are_never_compared(emulated: EmulatedIndex, changes: dict[str, str]) -> None:
    await emulated.publish("u1", "old", "a fox")
    size = DIMENSIONS if changes else 8
    other = emulated.open(**changes)
    # Found by words until its vectors are of the model that is set.
    assert [one.file_id for one in await other.search("u1", "fox", vector("a fox", size), None, 5)] == ["old"]
    assert await other.search("u1", "…", vector("a fox", size), None, 5) == []
    await emulated.stage("u1", "new", ["a fox in the snow"], dimensions=size)
    await other.publish("u1", "new", "notes.txt")
    found = await other.search("u1", "…", vector("a fox", size), None, 5)
    assert [one.file_id for one in found] == ["new"]
    # A process that still has the model of before goes on with its own.
    assert [one.file_id for one in await emulated.index.search("u1", "…", vector("a fox"), None, 5)] == ["old"]
    assert emulated.index.copies != other.copies or not changes
    # Published again, it is found by the new ones alone.
    await emulated.stage("u1", "old", ["a fox"], dimensions=size)
    await other.publish("u1", "old", "notes.txt")
    assert {one.file_id for one in await other.search("u1", "…", vector("a fox", size), None, 5)} == {"old", "new"}
    assert await emulated.index.search("u1", "…", vector("a fox"), None, 5) == []


@pytest.mark.slow
async def test_an_index_of_the_version_before_gets_a_field(emulated: EmulatedIndex) -> None:
    await emulated.publish("u1", "old", "a fox", dimensions=None)
    made = (await emulated.manage("GET")).json()
    profile = {"name": "nearest", "algorithm": "hnsw"}
    made["vectorSearch"] = {"algorithms": [{"name": "hnsw", "kind": "hnsw"}], "profiles": [profile]}
    embedding = {"name": "embedding", "type": "Collection(Edm.Single)", "searchable": True, "retrievable": False}
    made["fields"].append(embedding | {"dimensions": 8, "vectorSearchProfile": "nearest"})
    assert (await emulated.manage("PUT", body=made)).status_code == 200
    await emulated.open().publish("u1", "old", "notes.txt")
    await emulated.publish("u1", "new", "an owl")
    assert {"embedding", FIELD} <= await fields_of(emulated)
    assert await emulated.texts("u1", "owl") == ["an owl"]


async def test_an_index_that_was_made_anew_meanwhile_is_noticed(emulated: EmulatedIndex) -> None:
    await emulated.publish("u1", "f1", "a fox")
    await emulated.manage("DELETE")
    await emulated.stage("u1", "f2", ["an owl"], dimensions=8)
    await emulated.open().publish("u1", "f2", "notes.txt")
    async with failing():
        await emulated.found("u1", "owl")
    assert await emulated.texts("u1", "owl") == ["an owl"]


async def test_an_index_of_something_else_is_left_alone(emulated: EmulatedIndex) -> None:
    body = {"name": emulated.name, "fields": [{"name": "id", "type": "Edm.String", "key": True}]}
    await emulated.manage("PUT", body=body)
    async with failing() as words:
        await emulated.publish("u1", "f1", "a fox")
    assert "was not created for documents" in words[0]
    async with failing() as words:
        await emulated.index.check()
    assert "AZURE_SEARCH_INDEX_NAME" in words[0]
    assert (await emulated.manage("GET")).json() == body
