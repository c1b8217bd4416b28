"""What is found, by words and by vectors, and whose it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockbackend.documents.index.embedded import EmbeddedIndex
from tests.documents.index.embedded.conftest import DIMENSIONS, Shelf, direction
from tests.harness.examples import examples


async def test_the_passage_that_holds_the_words_comes_first(shelf: Shelf) -> None:
    await shelf.put("me", "a", "The lamp is lit at dusk.", "Ships pass in the fog.", "Nothing of the kind.")
    assert (await shelf.words("me", "which ships pass"))[0] == "Ships pass in the fog."


async def test_what_shares_no_word_is_not_found(shelf: Shelf) -> None:
    await shelf.put("me", "a", "The lamp is lit at dusk.")
    assert await shelf.words("me", "zebra") == []


async def test_found_passages_tell_their_file_and_place(shelf: Shelf) -> None:
    await shelf.put("me", "a", "First.", "The second page.")
    [found] = await shelf.index.search("me", "second", None, None, 10)
    assert (found.file_id, found.passage.place) == ("a", "page 2")


async def test_a_files_name_finds_it(shelf: Shelf) -> None:
    await shelf.put("me", "handbook", "Nothing but this.")
    assert await shelf.words("me", "handbook") == ["Nothing but this."]


async def test_nobody_finds_what_is_another_owners(shelf: Shelf) -> None:
    await shelf.put("me", "mine", "My lamp.", vectors=[direction(1)])
    await shelf.put("you", "yours", "Your lamp.", vectors=[direction(2)])
    assert await shelf.words("me", "lamp") == ["My lamp."]
    assert await shelf.near("me", direction(2)) == ["My lamp."]
    assert await shelf.words("me", "lamp", ["yours"]) == []
    assert await shelf.near("me", direction(2), ["yours"]) == []
    assert await shelf.words("nobody", "lamp") == []


async def test_an_owner_whose_number_begins_anothers_finds_nothing_of_theirs(shelf: Shelf) -> None:
    for number in range(1, 12):
        await shelf.put(f"user {number}", f"f{number}", f"The lamp of user number {number}.")
    assert await shelf.words("user 1", "lamp") == ["The lamp of user number 1."]


async def test_only_the_named_files_are_searched(shelf: Shelf) -> None:
    for name in ("a", "b", "c"):
        await shelf.put("me", name, f"The lamp of {name}.", vectors=[direction(ord(name))])
    assert sorted(await shelf.words("me", "lamp", ["a", "c"])) == ["The lamp of a.", "The lamp of c."]
    assert await shelf.near("me", direction(ord("b")), ["c"]) == ["The lamp of c."]
    assert await shelf.words("me", "lamp", []) == []


async def test_the_nearest_vectors_come_first_in_their_order(shelf: Shelf) -> None:
    around = [direction(7) + np.float32(weight) * direction(8) for weight in (2.0, 0.1, 0.5)]
    await shelf.put("me", "a", "far", "near", "between", vectors=around)
    assert await shelf.near("me", direction(7)) == ["near", "between", "far"]


async def test_words_and_vectors_together_find_what_either_finds(shelf: Shelf) -> None:
    await shelf.put("me", "a", "By its word: lamp.", "By its vector.", vectors=[direction(1), direction(2)])
    found = await shelf.index.search("me", "lamp", direction(2), None, 10)
    assert {one.passage.text for one in found} == {"By its word: lamp.", "By its vector."}


async def test_stop_words_find_nothing_unless_there_is_nothing_else(shelf: Shelf) -> None:
    await shelf.put("me", "a", "What is it that you want from the sea?", "The lamp is lit at dusk.", "Wer ist er?")
    assert await shelf.words("me", "What is it that makes the lamp?") == ["The lamp is lit at dusk."]
    assert await shelf.words("me", "wie ist die Lamp") == ["The lamp is lit at dusk."]
    assert (await shelf.words("me", "what is it"))[0] == "What is it that you want from the sea?"


async def test_words_lead_where_vectors_know_nothing_but_words(shelf: Shelf) -> None:
    texts = ("The lamp.", "The wick.", "The oil.")
    await shelf.put("me", "a", *texts, vectors=[direction(1), direction(2), direction(3)])
    query = direction(2) + np.float32(0.1) * direction(3)
    index = EmbeddedIndex(shelf.passages, words_lead=True)
    found = await index.search("me", "lamp", query, None, 10)
    assert [one.passage.text for one in found] == ["The lamp.", "The wick.", "The oil."]
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    # Fused, both rankings count alike.
    fused = await shelf.index.search("me", "oil", query, None, 10)
    assert {one.passage.text for one in fused[:2]} == {"The oil.", "The wick."}


@pytest.mark.slow
async def test_all_near_vectors_are_found_among_many_in_their_order(shelf: Shelf) -> None:
    # Which candidates the signs give is a matter of chance; for neighbours this near it is one of less than 1:100,000.
    query = direction(5000)
    around = [query + np.float32(0.5 + number / 40) * direction(number) for number in range(30)]
    vectors = [vector / np.linalg.norm(vector) for vector in around] + [direction(n) for n in range(30, 1000)]
    await shelf.put("me", "a", *(f"passage {number}" for number in range(1000)), vectors=vectors)
    exact = sorted(range(1000), key=lambda number: -float(vectors[number] @ query))
    assert await shelf.near("me", query) == [f"passage {number}" for number in exact[:10]]


async def test_vectors_of_another_size_are_found_by_words_alone(shelf: Shelf) -> None:
    await shelf.put("me", "old", "The old lamp.", vectors=[direction(1)])
    await shelf.put("me", "new", "The new lamp.", vectors=[direction(1, 2 * DIMENSIONS)])
    found = await shelf.index.search("me", "lamp", direction(1, 2 * DIMENSIONS), None, 10)
    assert [one.passage.text for one in found] == ["The new lamp.", "The old lamp."]
    assert await shelf.near("me", direction(1, 3)) == []


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("東京の灯台は1889年に建てられた。", "灯台"),
        ("东京的灯塔", "灯塔"),
        ("서울의 등대", "등대"),
        ("ประภาคารเก่า", "ประภาคาร"),
        ("Der Größte Löwe", "grosste lowe"),
        ("une épée à la main", "EPEE"),
        ("the policies of 2024", "policy"),
        ("a lighthouse 🗼 stands", "🗼"),
    ],
)
async def test_words_of_other_scripts_are_found(shelf: Shelf, text: str, query: str) -> None:
    await shelf.put("me", "a", text, "Another passage altogether.")
    assert await shelf.words("me", query) == [text]


HOSTILE = (
    *('"', "*", "lamp*", "(", "NEAR(", "a AND", "OR", "NOT lamp"),
    *("terms:lamp", "^lamp", "{lamp}", "-lamp", "';--", "\0", "\ud800"),
)


@pytest.mark.parametrize("query", HOSTILE)
async def test_no_query_is_a_syntax_error(shelf: Shelf, query: str) -> None:
    await shelf.put("me", "a", "The lamp.")
    assert set(await shelf.words("me", query)) <= {"The lamp."}


@given(query=st.text(max_size=40), text=st.text(max_size=60))
@settings(max_examples=examples(80), suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_text_can_be_kept_and_asked_for(shelf: Shelf, query: str, text: str) -> None:
    await shelf.put("me", "a", text)
    assert len(await shelf.words("me", query)) <= 1
    await shelf.forget("me", "a")
    assert await shelf.words("me", text) == []
