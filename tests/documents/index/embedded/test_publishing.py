"""How files come into the index and leave it, also in other processes and while it is searched."""

from __future__ import annotations

import asyncio

import pytest

from mockbackend.storage.passages import Passage
from tests.documents.index.embedded.conftest import Shelf, direction


async def test_a_staged_file_is_not_found_before_it_is_published(shelf: Shelf) -> None:
    await shelf.passages.stage("a", "me", [Passage("The lamp.")])
    assert await shelf.words("me", "lamp") == []
    await shelf.index.publish("me", "a", "a.md")
    assert await shelf.words("me", "lamp") == ["The lamp."]


async def test_publishing_again_changes_nothing(shelf: Shelf) -> None:
    await shelf.put("me", "a", "The lamp.", vectors=[direction(1)])
    await shelf.index.publish("me", "a", "a.md")
    assert await shelf.words("me", "lamp") == ["The lamp."]
    assert await shelf.near("me", direction(1)) == ["The lamp."]


async def test_staging_again_replaces_everything(shelf: Shelf) -> None:
    await shelf.put("me", "a", "The lamp.", "More.", vectors=[direction(1), direction(2)])
    await shelf.put("me", "a", "The ship.")
    assert await shelf.words("me", "lamp") == []
    assert await shelf.words("me", "ship") == ["The ship."]
    assert await shelf.near("me", direction(1)) == []


async def test_forgetting_one_file_leaves_the_others(shelf: Shelf) -> None:
    await shelf.put("me", "a", "The lamp of a.", vectors=[direction(1)])
    await shelf.put("me", "b", "The lamp of b.", vectors=[direction(2)])
    await shelf.forget("me", "a")
    assert await shelf.words("me", "lamp") == ["The lamp of b."]
    assert await shelf.near("me", direction(1)) == ["The lamp of b."]


async def test_processes_see_each_others_changes_with_the_next_query(shelf: Shelf, other: Shelf) -> None:
    await shelf.put("me", "a", "The lamp of a.", vectors=[direction(1)])
    assert await other.words("me", "lamp") == ["The lamp of a."]
    await shelf.put("me", "b", "The lamp of b.", vectors=[direction(2)])
    assert await other.near("me", direction(2)) == ["The lamp of b.", "The lamp of a."]
    await other.forget("me", "b")
    assert await shelf.near("me", direction(2)) == ["The lamp of a."]
    await other.put("me", "a", "The ship of a.")
    assert await shelf.words("me", "lamp ship") == ["The ship of a."]


@pytest.mark.slow
async def test_searches_go_on_while_a_long_file_is_published(shelf: Shelf) -> None:
    await shelf.put("me", "short", "The one lighthouse.")
    await shelf.passages.stage("long", "me", [Passage(f"The lamp of page {number}.") for number in range(6000)])
    publishing = asyncio.create_task(shelf.index.publish("me", "long", "long.md"))
    answered = 0
    while not publishing.done():
        assert await shelf.words("me", "lighthouse") == ["The one lighthouse."]
        answered += 1
    await publishing
    assert answered > 5
    assert len(await shelf.words("me", "lamp")) == 10
