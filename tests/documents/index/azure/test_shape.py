"""How the index is made, and what is said of one that does not fit."""

from __future__ import annotations

from tests.documents.index.azure.emulated import DIMENSIONS, EmulatedIndex, failing, vector


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


async def test_without_embeddings_the_index_has_no_vectors_and_says_so_when_one_comes(emulated: EmulatedIndex) -> None:
    await emulated.publish("u1", "f1", "a fox", dimensions=None)
    assert "embedding" not in {one["name"] for one in (await emulated.manage("GET")).json()["fields"]}
    assert await emulated.texts("u1", "fox", by_vector=False) == ["a fox"]
    assert await emulated.index.check() == f"index {emulated.name}, words only, 1 passages"
    async with failing() as words:
        await emulated.publish("u1", "f2", "an owl")
    assert "was created without embeddings, but the embedding model returns 64" in words[0]
    async with failing() as words:
        await emulated.found("u1", "fox")
    assert "AZURE_SEARCH_INDEX_NAME" in words[0]


async def test_embeddings_of_another_size_fail_with_both_sizes(emulated: EmulatedIndex) -> None:
    await emulated.publish("u1", "f1", "a fox")
    for index in (emulated.index, emulated.open()):
        async with failing() as words:
            await index.search("u1", "fox", vector("fox", 8), None, 5)
        assert "holds embeddings of 64 numbers, but the embedding model returns 8" in words[0]
    async with failing() as words:
        await emulated.publish("u1", "f2", "an owl", dimensions=8)
    assert "holds embeddings of 64 numbers" in words[0]
    await emulated.publish("u1", "f3", "without a vector", dimensions=None)
    assert await emulated.texts("u1", "without", by_vector=False) == ["without a vector"]


async def test_an_index_that_was_replaced_by_one_of_another_size_is_noticed(emulated: EmulatedIndex) -> None:
    await emulated.publish("u1", "f1", "a fox")
    await emulated.manage("DELETE")
    await emulated.stage("u1", "f2", ["an owl"], dimensions=8)
    await emulated.open().publish("u1", "f2", "notes.txt")
    async with failing():
        await emulated.found("u1", "fox")
    async with failing() as words:
        await emulated.found("u1", "fox")
    assert "holds embeddings of 8 numbers, but the embedding model returns 64" in words[0]


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
