"""Passages as they are written step by step, and as snapshots show them."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from mockbackend.storage import Passages, Storage
from mockbackend.storage.passages import Passage, Snapshot, first_id
from tests.storage.contract.passages import EVERYTHING, direction, holding, put, with_vectors


@pytest.fixture
def passages(storage: Storage) -> Passages:
    return storage.passages


async def test_a_staged_file_is_in_no_snapshot_before_it_is_published(passages: Passages) -> None:
    await passages.stage("a", "me", [Passage("The lamp.")])
    assert await passages.count("a") == (0, 1)
    assert await holding(passages, "me", "lamp") == {}
    await passages.publish("me", "a", "a.md")
    assert await holding(passages, "me", "lamp") == {"The lamp.": 1}


async def test_what_has_no_vector_is_pending_and_what_has_one_is_read_with_it(passages: Passages) -> None:
    await passages.stage("a", "me", [Passage("one", "page 1", "Head"), Passage("two"), Passage("three")])
    await passages.add_vectors("a", [(1, direction(1) * 5)])
    assert await passages.count("a") == (1, 3)
    assert await passages.pending("a", 10) == [(0, Passage("one", "page 1", "Head")), (2, Passage("three"))]
    assert await passages.pending("a", 10, after=0) == [(2, Passage("three"))]
    [_, (position, passage, vector), _] = await passages.read("a", 10)
    assert (position, passage.text) == (1, "two")
    assert vector is not None
    assert np.allclose(vector, direction(1), atol=1e-3)


async def test_a_passage_keeps_its_first_vector(passages: Passages) -> None:
    await put(passages, "me", "a", "one", "two", vectors=[direction(1)])
    await passages.add_vectors("a", [(0, direction(2)), (1, direction(3)), (7, direction(4))])
    assert await passages.count("a") == (2, 2)
    found = await with_vectors(passages, "me")
    assert np.allclose(found["one"], direction(1), atol=1e-3)
    assert np.allclose(found["two"], direction(3), atol=1e-3)


async def test_publishing_again_changes_nothing(passages: Passages) -> None:
    await put(passages, "me", "a", "The lamp.", name="a.md")
    await passages.publish("me", "a", "another name.md")
    assert await holding(passages, "me", "lamp") == {"The lamp.": 1}
    assert await holding(passages, "me", "another") == {}


async def test_staging_again_replaces_everything(passages: Passages) -> None:
    await put(passages, "me", "a", "The lamp.", "More.", vectors=[direction(1), direction(2)])
    await put(passages, "me", "a", "The ship.")
    assert await passages.count("a") == (0, 1)
    assert await holding(passages, "me", "lamp") == {}
    assert await holding(passages, "me", "ship") == {"The ship.": 1}
    assert await with_vectors(passages, "me") == {}


async def test_a_withdrawn_file_stays_staged_and_can_be_published_again(passages: Passages) -> None:
    await put(passages, "me", "a", "The lamp.", vectors=[direction(1)])
    await passages.withdraw("me", "a")
    assert await holding(passages, "me", "lamp") == {}
    assert await with_vectors(passages, "me") == {}
    assert await passages.count("a") == (1, 1)
    await passages.publish("me", "a", "a.md")
    assert await holding(passages, "me", "lamp") == {"The lamp.": 1}


async def test_nobody_publishes_withdraws_or_sees_what_is_another_owners(passages: Passages) -> None:
    await passages.stage("a", "me", [Passage("The lamp.")])
    await passages.publish("you", "a", "a.md")
    assert await holding(passages, "me", "lamp") == {}
    await passages.publish("me", "a", "a.md")
    await passages.withdraw("you", "a")
    assert await holding(passages, "me", "lamp") == {"The lamp.": 1}
    assert await holding(passages, "you", "lamp") == {}


async def test_forgetting_one_file_leaves_the_others(passages: Passages) -> None:
    await put(passages, "me", "a", "The lamp of a.", vectors=[direction(1)])
    await put(passages, "me", "b", "The lamp of b.", vectors=[direction(2)])
    await passages.forget("a")
    assert await holding(passages, "me", "lamp") == {"The lamp of b.": 1}
    assert list(await with_vectors(passages, "me")) == ["The lamp of b."]


async def test_an_unknown_file_is_no_error(passages: Passages) -> None:
    await passages.add_vectors("none", [(0, direction(1))])
    await passages.publish("me", "none", "a.md")
    await passages.withdraw("me", "none")
    await passages.forget("none")
    assert await passages.count("none") is None
    assert await passages.pending("none", 10) == []
    assert await passages.read("none", 10) == []


async def test_postings_count_how_often_a_passage_holds_a_term_up_to_seven(passages: Passages) -> None:
    texts = ["lamp " * count for count in (1, 2, 7, 8, 100)]
    await put(passages, "me", "a", *texts)
    counts = await holding(passages, "me", "lamp")
    assert counts == dict(zip(texts, [1, 2, 7, 7, 7], strict=True))


async def test_headings_and_the_files_name_are_held_once(passages: Passages) -> None:
    await passages.stage("a", "me", [Passage("A lamp, a lamp.", "page 1", "Lamp > Lamp")])
    await passages.publish("me", "a", "lamp.md")
    assert await holding(passages, "me", "lamp") == {"A lamp, a lamp.": 3}


async def test_a_prefix_finds_all_terms_that_begin_with_it(passages: Passages) -> None:
    await put(passages, "me", "a", "灯台", "灯", "台")
    assert await holding(passages, "me", "灯") == {"灯": 1}
    assert set(await holding(passages, "me", "灯", prefix=True)) == {"灯台", "灯"}


async def test_postings_are_those_of_a_range_of_passages_up_to_a_limit(passages: Passages) -> None:
    await put(passages, "me", "a", *(f"The lamp of page {number}." for number in range(100)))

    def look(snapshot: Snapshot) -> tuple[list[int], int, int]:
        numbered = snapshot.owner("me")
        assert numbered
        owner, _ = numbered
        first = first_id(snapshot.files(owner)[0].number)
        span = {"first": first + 10, "last": first + 19}
        ids, _ = snapshot.postings(owner, "lamp", prefix=False, **span, limit=5)
        count = snapshot.count_postings(owner, "lamp", prefix=False, **span, limit=1000)
        limited = snapshot.count_postings(owner, "lamp", prefix=False, **{**EVERYTHING, "limit": 30})
        return (ids - first).tolist(), count, limited

    assert await passages.read_snapshot(look) == ([10, 11, 12, 13, 14], 10, 30)


async def test_the_owners_version_changes_with_what_is_published_and_only_then(passages: Passages) -> None:
    async def version() -> tuple[int, int] | None:
        return await passages.read_snapshot(lambda snapshot: snapshot.owner("me"))

    assert await version() is None
    await put(passages, "me", "a", "The lamp.")
    versions = [await version()]
    await passages.stage("b", "me", [Passage("The ship.")])
    assert await version() == versions[0]
    for change in (passages.publish("me", "b", "b.md"), passages.withdraw("me", "b"), passages.forget("a")):
        await change
        versions.append(await version())
    assert len(set(versions)) == 4


async def test_processes_see_each_others_changes(passages: Passages, other: Storage) -> None:
    await put(passages, "me", "a", "The lamp of a.")
    assert await holding(other.passages, "me", "lamp") == {"The lamp of a.": 1}
    await other.passages.forget("a")
    assert await holding(passages, "me", "lamp") == {}


async def test_a_snapshot_is_one_state(passages: Passages, other: Storage) -> None:
    await put(passages, "me", "a", "The lamp.")
    loop = asyncio.get_running_loop()

    def look(snapshot: Snapshot) -> list[int]:
        numbered = snapshot.owner("me")
        assert numbered
        before = len(snapshot.files(numbered[0]))
        asyncio.run_coroutine_threadsafe(other.passages.forget("a"), loop).result(30)
        return [before, len(snapshot.files(numbered[0]))]

    assert await passages.read_snapshot(look) == [1, 1]
    assert await holding(passages, "me", "lamp") == {}


async def test_what_a_snapshots_work_raises_is_raised(passages: Passages) -> None:
    def fail(snapshot: Snapshot) -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        await passages.read_snapshot(fail)
    assert await passages.read_snapshot(lambda snapshot: snapshot.owner("me")) is None


async def test_vectors_belong_to_an_embedding_model(passages: Passages) -> None:
    async def of_model(model: str) -> set[str]:
        def look(snapshot: Snapshot) -> set[str]:
            numbered = snapshot.owner("ann")
            assert numbered is not None
            ids = [first_id(one.file) + int(at) for one in snapshot.signs(numbered[0], model) for at in one.positions]
            return {passage.text for passage in snapshot.passages(ids) if passage}

        return await passages.read_snapshot(look)

    # As an older version has stored them, and a file that was never embedded.
    await put(passages, "ann", "old", "old lamp", vectors=[direction(1)])
    await put(passages, "ann", "bare", "bare lamp")
    assert await passages.outdated("a") == 2
    await passages.adopt("a")
    assert (await of_model("a"), await of_model("b"), await of_model("")) == ({"old lamp"}, set(), {"old lamp"})
    assert (await passages.outdated("a"), await passages.outdated("b")) == (1, 2)
    # Begun again with the same model, it keeps what it has.
    await passages.embed_with("old", "a")
    assert await passages.count("old") == (1, 1)
    # With another one it loses its vectors, and no other process is given it.
    assert await passages.next_outdated("b") == ("ann", "old")
    assert await passages.next_outdated("b") == ("ann", "bare")
    assert await passages.next_outdated("b") is None
    assert (await passages.count("old"), await of_model("")) == ((0, 1), set())
    assert await passages.unfinished("b") == [("ann", "old"), ("ann", "bare")]
    await passages.add_vectors("old", [(0, direction(2))])
    assert (await of_model("b"), await of_model("a")) == ({"old lamp"}, set())
    assert (await passages.unfinished("b"), await passages.outdated("b")) == ([("ann", "bare")], 1)
    # A file that is not published yet is not its business.
    await passages.stage("new", "ann", [Passage("new lamp")])
    assert (await passages.outdated("c"), await passages.outdated("b")) == (2, 1)
    await passages.embed_with("nobodys", "a")
