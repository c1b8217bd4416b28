"""Azure AI Search as the index of documents: published, found, forgotten, each owner's alone."""

from __future__ import annotations

import pytest

from mockbackend.documents.index.azure.schema import (
    MAX_BYTES,
    MAX_DOCUMENTS,
    Action,
    batches,
    escape,
    key,
    owned_by,
)
from mockbackend.storage.passages import Passage
from tests.documents.index.azure.emulated import EmulatedIndex, vector


async def test_what_is_published_is_found_with_its_place_and_forgotten_again(emulated: EmulatedIndex) -> None:
    await emulated.publish("u1", "f1", "The red fox sleeps.", "Invoices are due in May.", heading="Animals > Foxes")
    best, *_ = await emulated.found("u1", "Where does the fox sleep?")
    assert (best.file_id, best.passage) == ("f1", Passage("The red fox sleeps.", "page 1", "Animals > Foxes"))
    assert best.score > 0
    await emulated.index.forget("u1", "f1")
    assert await emulated.found("u1", "fox") == []
    await emulated.index.forget("u1", "f1")


async def test_words_alone_and_vectors_alone_find_and_both_together_find_best(emulated: EmulatedIndex) -> None:
    await emulated.publish("u1", "f1", "the fox", "fox fox fox and words that nobody asked for", "an owl")
    assert (await emulated.texts("u1", "fox", by_vector=False))[0].startswith(("the fox", "fox"))
    only_vector = await emulated.index.search("u1", "…", vector("the fox"), None, 1)
    assert [one.passage.text for one in only_vector] == ["the fox"]
    assert (await emulated.texts("u1", "the fox"))[0] == "the fox"
    assert len(await emulated.texts("u1", "the fox owl", limit=2)) == 2


async def test_headings_and_the_files_name_are_searched_too(emulated: EmulatedIndex) -> None:
    await emulated.publish("u1", "f1", "thirty days", heading="Terms of payment", name="Contract 2025.pdf")
    await emulated.publish("u1", "f2", "nothing of the kind", name="Poems.md")
    for query in ("payment", "contract"):
        assert [one.file_id for one in await emulated.found("u1", query, by_vector=False)] == ["f1"]


async def test_publishing_again_changes_nothing(emulated: EmulatedIndex) -> None:
    await emulated.publish("u1", "f1", "one fox", "two foxes")
    await emulated.index.publish("u1", "f1", "notes.txt")
    await emulated.open().publish("u1", "f1", "notes.txt")
    assert await emulated.count() == 2


async def test_a_shorter_version_leaves_nothing_of_the_longer_one(emulated: EmulatedIndex) -> None:
    await emulated.publish("u1", "f1", *[f"fox {number}" for number in range(30)])
    await emulated.publish("u1", "f1", "fox 0", "fox 1")
    assert await emulated.count() == 2


async def test_a_file_without_passages_publishes_nothing(emulated: EmulatedIndex) -> None:
    await emulated.publish("u1", "f1", "a fox")
    await emulated.index.publish("u1", "never-staged", "notes.txt")
    assert await emulated.count() == 1
    await emulated.manage("DELETE")
    await emulated.index.publish("u1", "never-staged", "notes.txt")


# Names that would be something else in a filter, a key or a path.
OWNERS = ["u1", "U1", "u1 ", "u1' or owner ne '", "''", "o,x|y", "a/b?c=d&e", "Zoë 日本 🦊", "u" * 256]


async def test_no_owner_finds_or_forgets_what_is_anothers(emulated: EmulatedIndex) -> None:
    for number, owner in enumerate(OWNERS):
        # The same id for all: an owner's name alone keeps them apart.
        await emulated.publish(owner, "f1", f"a fox of number {number}")
    for number, owner in enumerate(OWNERS):
        assert await emulated.texts(owner, "fox number") == [f"a fox of number {number}"]
    assert await emulated.found("somebody", "fox") == []
    await emulated.index.forget("somebody", "f1")
    for gone, owner in enumerate(OWNERS, start=1):
        await emulated.index.forget(owner, "f1")
        assert await emulated.count() == len(OWNERS) - gone
        assert await emulated.found(owner, "fox") == []


async def test_a_search_may_be_limited_to_files_whatever_their_ids(emulated: EmulatedIndex) -> None:
    ids = ["f1", "f2", "it's, a|b;c", "x' or 'a' eq 'a", "日本"]
    for one in ids:
        await emulated.publish("u1", one, f"a fox in {one}")
    for one in ids:
        assert {found.file_id for found in await emulated.found("u1", "fox", [one])} == {one}
    assert {one.file_id for one in await emulated.found("u1", "fox", ids[1:4])} == set(ids[1:4])
    assert {one.file_id for one in await emulated.found("u1", "fox")} == set(ids)
    assert await emulated.found("u1", "fox", []) == []
    assert await emulated.index.search("u1", "fox", None, (), 5) == []
    assert await emulated.found("u1", "fox", ["f"]) == []
    assert await emulated.found("u2", "fox", ids) == []


@pytest.mark.sampled(3)
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
async def test_a_query_is_nothing_but_its_words(emulated: EmulatedIndex, query: str, text: str) -> None:
    await emulated.publish("u1", "f1", "fox", "東京都の図書館", "ein Café in Köln", "hen", dimensions=None)
    assert await emulated.texts("u1", query, by_vector=False) == [text]


@pytest.mark.sampled(4)
@pytest.mark.parametrize("query", ["", "  ", "*", "?!", "-", "…"])
async def test_a_query_without_words_finds_nothing_by_words(emulated: EmulatedIndex, query: str) -> None:
    await emulated.publish("u1", "f1", "fox", dimensions=None)
    assert await emulated.texts("u1", query, by_vector=False) == []


@pytest.mark.slow
async def test_a_long_document_goes_up_in_batches_and_is_deleted_whole(emulated: EmulatedIndex) -> None:
    await emulated.publish("u1", "long", *[f"passage {number} of the fox" for number in range(2500)])
    await emulated.publish("u1", "other", "passage of the fox")
    assert await emulated.count() == 2501
    sent = await emulated.batches()
    assert {status for status, _ in sent} == {200}
    assert max(count for _, count in sent) <= 1000
    assert await emulated.texts("u1", "passage 2499", ["long"], limit=1) == ["passage 2499 of the fox"]
    await emulated.index.forget("u1", "long")
    assert await emulated.count() == 1


@pytest.mark.slow
async def test_a_batch_of_megabytes_goes_up_without_a_warning_of_the_transport(emulated: EmulatedIndex) -> None:
    await emulated.publish("u1", "f1", *[f"fox {number} " + "wood " * 2000 for number in range(150)], dimensions=None)
    assert await emulated.batches() == [(200, 150)]


def test_no_batch_is_longer_than_a_call_may_be() -> None:
    small = [Action(str(number), b"x") for number in range(2500)]
    assert [len(batch) for batch in batches(small)] == [1000, 1000, 500]
    large = [Action(str(number), bytes(20_000)) for number in range(2500)]
    sizes = [sum(len(action.body) for action in batch) for batch in batches(large)]
    assert (max(sizes) <= MAX_BYTES, sum(sizes)) == (True, 2500 * 20_000)
    assert [action for batch in batches(large) for action in batch] == large
    huge = [Action("a", bytes(MAX_BYTES + 1)), Action("b", b"x")]
    assert [len(batch) for batch in batches(huge)] == [1, 1]
    assert list(batches([])) == []
    assert MAX_DOCUMENTS * 20_000 > MAX_BYTES


def test_keys_differ_wherever_owner_file_or_position_do() -> None:
    places = [("a", "bc", 0), ("ab", "c", 0), ("a", "bc", 1), ("1:a", "bc", 0), ("日本", "'/", 7)]
    keys = [key(*place) for place in places]
    assert len(set(keys)) == len(places)
    assert all(one.replace("-", "").isalnum() and one.isascii() for one in keys)


def test_filters_double_quotes_and_take_a_separator_that_is_in_no_id() -> None:
    assert owned_by("o'x") == "owner eq 'o''x'"
    assert owned_by("u", ["a", "b'c"]) == "owner eq 'u' and search.in(file_id, 'a,b''c', ',')"
    assert owned_by("u", ["a,b", "c-d"]) == "owner eq 'u' and search.in(file_id, 'a,b.c-d', '.')"


def test_operators_are_escaped_and_a_text_without_words_gives_no_query() -> None:
    assert escape('a +b -"c" (d|e)* ~f\\') == r"a \+b \-\"c\" \(d\|e\)\* \~f\\"
    assert escape("don't") == "don't"
    assert escape("+-*") == ""
