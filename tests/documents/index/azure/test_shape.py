"""How the index is made, and what is said of one that does not fit."""

from __future__ import annotations

from tests.documents.index.azure.azure_service import DIMENSIONS, World, failing, vector


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
