"""How passages come into the index and leave it: in stages, in several processes, through kills."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest

from mockbackend.passages import Passage
from tests.harness.processes import ROOT, environment
from tests.storage.passages.conftest import Shelf, direction

TEXTS = [f"The lamp of page {number}." for number in range(1200)]


def rows(shelf: Shelf, table: str) -> int:
    with closing(sqlite3.connect(shelf.path)) as connection:
        count: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        return count


def terms(shelf: Shelf) -> int:
    """How many different terms the word index holds."""
    with closing(sqlite3.connect(shelf.path)) as connection:
        connection.execute("CREATE VIRTUAL TABLE temp.held USING fts5vocab (main, words, row)")
        count: int = connection.execute("SELECT count(*) FROM temp.held").fetchone()[0]
        return count


async def test_a_staged_file_is_not_found_before_it_is_published(shelf: Shelf) -> None:
    await shelf.passages.stage("a", "me", [Passage("The lamp.")])
    assert await shelf.passages.count("a") == (0, 1)
    assert await shelf.words("me", "lamp") == []
    await shelf.index.publish("me", "a", "a.md")
    assert await shelf.words("me", "lamp") == ["The lamp."]


async def test_what_has_no_vector_is_pending_and_what_has_one_is_read_with_it(shelf: Shelf) -> None:
    await shelf.passages.stage("a", "me", [Passage("one", "page 1", "Head"), Passage("two"), Passage("three")])
    await shelf.passages.embedded("a", [(1, direction(1) * 5)])
    assert await shelf.passages.count("a") == (1, 3)
    assert await shelf.passages.pending("a", 10) == [(0, Passage("one", "page 1", "Head")), (2, Passage("three"))]
    assert await shelf.passages.pending("a", 10, after=0) == [(2, Passage("three"))]
    [_, (position, passage, vector), _] = await shelf.passages.read("a", 10)
    assert (position, passage.text) == (1, "two")
    assert vector is not None
    assert np.allclose(vector, direction(1), atol=1e-3)


async def test_publishing_again_changes_nothing(shelf: Shelf) -> None:
    await shelf.put("me", "a", "The lamp.", vectors=[direction(1)])
    before = terms(shelf)
    await shelf.index.publish("me", "a", "a.md")
    assert (terms(shelf), await shelf.words("me", "lamp")) == (before, ["The lamp."])


async def test_staging_again_replaces_all_of_it(shelf: Shelf) -> None:
    await shelf.put("me", "a", "The lamp.", "More.", vectors=[direction(1), direction(2)])
    await shelf.put("me", "a", "The ship.")
    # "the", "ship", and of the file's name "a" and "md".
    assert terms(shelf) == 4
    assert await shelf.passages.count("a") == (0, 1)
    assert await shelf.words("me", "lamp") == []
    assert await shelf.words("me", "ship") == ["The ship."]
    assert await shelf.near("me", direction(1)) == []


async def test_a_forgotten_file_leaves_nothing(shelf: Shelf) -> None:
    await shelf.put("me", "a", *TEXTS, vectors=[direction(number) for number in range(1200)])
    await shelf.forget("me", "a")
    assert {table: rows(shelf, table) for table in ("owners", "files", "passages", "vectors", "signs")} == {
        "owners": 0,
        "files": 0,
        "passages": 0,
        "vectors": 0,
        "signs": 0,
    }
    assert terms(shelf) == 0
    # Nor does it do so once more.
    await shelf.forget("me", "a")


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


async def test_searches_go_on_while_a_long_file_is_published(shelf: Shelf) -> None:
    await shelf.put("me", "short", "The one lighthouse.")
    await shelf.passages.stage("long", "me", [Passage(text) for text in TEXTS * 5])
    publishing = asyncio.create_task(shelf.index.publish("me", "long", "long.md"))
    answered = 0
    while not publishing.done():
        assert await shelf.words("me", "lighthouse") == ["The one lighthouse."]
        answered += 1
    await publishing
    assert answered > 5
    assert len(await shelf.words("me", "lamp")) == 10


WORK = """
import asyncio, sys
from pathlib import Path
from mockbackend.passages import Passage
from mockbackend.storage.embedded.passages import (EmbeddedIndex, Passages)

async def main() -> None:
    path, do = Path(sys.argv[1]), sys.argv[2]
    passages, index = Passages(path), EmbeddedIndex(path)
    print("ready", flush=True)
    while True:
        if do == "stage":
            await passages.stage("a", "me", [Passage(f"The lamp of page {n}.") for n in range(20_000)])
        else:
            await index.publish("me", "a", "a.md")
            print("published", flush=True)
            await index.forget("me", "a")

asyncio.run(main())
"""


def kill_at(shelf: Shelf, do: str, seconds: float) -> None:
    """Kill a process that does this again and again, so long after it has begun."""
    command = [sys.executable, "-c", WORK, str(shelf.path), do]
    with subprocess.Popen(command, cwd=ROOT, env=environment({}), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        assert process.poll() is None, "it ended by itself"
        process.kill()


@pytest.mark.parametrize("seconds", [0.01, 0.05, 0.2])
async def test_a_file_whose_staging_was_killed_is_whole_or_not_staged(shelf: Shelf, seconds: float) -> None:
    await asyncio.to_thread(kill_at, shelf, "stage", seconds)
    counted = await shelf.passages.count("a")
    assert counted in (None, (0, 20_000))
    await shelf.put("me", "a", "The lamp.")
    assert await shelf.words("me", "lamp page") == ["The lamp."]
    assert rows(shelf, "passages") == 1


@pytest.mark.parametrize("seconds", [0.02, 0.1, 0.3])
async def test_a_file_whose_publishing_was_killed_is_published_by_the_next_one(shelf: Shelf, seconds: float) -> None:
    await shelf.passages.stage("a", "me", [Passage(text) for text in TEXTS])
    await asyncio.to_thread(kill_at, shelf, "publish", seconds)
    await shelf.index.publish("me", "a", "a.md")
    assert (await shelf.words("me", "lamp 1199"))[0] == "The lamp of page 1199."
    await shelf.forget("me", "a")
    assert terms(shelf) == 0
