"""What a killed process leaves of passages, and that a forgotten file leaves nothing in the tables."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from mockbackend.storage import Passages
from mockbackend.storage.embedded import EmbeddedStorage
from mockbackend.storage.embedded.passages import NAME
from mockbackend.storage.passages import Passage
from tests.harness.processes import ROOT, environment
from tests.storage.contract.passages import direction, holding, put

TEXTS = [f"The lamp of page {number}." for number in range(1200)]


@pytest.fixture
def passages(storage: EmbeddedStorage) -> Passages:
    return storage.passages


def rows(folder: Path, table: str) -> int:
    with closing(sqlite3.connect(folder / NAME)) as connection:
        count: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        return count


def terms(folder: Path) -> int:
    """How many different terms the word index holds."""
    with closing(sqlite3.connect(folder / NAME)) as connection:
        connection.execute("CREATE VIRTUAL TABLE temp.held USING fts5vocab (main, words, row)")
        count: int = connection.execute("SELECT count(*) FROM temp.held").fetchone()[0]
        return count


async def test_publishing_again_adds_no_terms_and_staging_again_leaves_none_behind(
    passages: Passages, tmp_path: Path
) -> None:
    await put(passages, "me", "a", "The lamp.", "More.", name="a.md")
    before = terms(tmp_path)
    await passages.publish("me", "a", "a.md")
    assert terms(tmp_path) == before
    await put(passages, "me", "a", "The ship.", name="a.md")
    # "the", "ship", and of the file's name "a" and "md".
    assert terms(tmp_path) == 4


async def test_a_forgotten_file_leaves_nothing(passages: Passages, tmp_path: Path) -> None:
    await put(passages, "me", "a", *TEXTS, vectors=[direction(number) for number in range(1200)])
    await passages.forget("a")
    tables = ("owners", "files", "passages", "vectors", "signs")
    assert {table: rows(tmp_path, table) for table in tables} == dict.fromkeys(tables, 0)
    assert terms(tmp_path) == 0
    # Nor does it when it is forgotten a second time.
    await passages.forget("a")


WORK = """
import asyncio, sys
from pathlib import Path
from mockbackend.storage.embedded.passages import Passages
from mockbackend.storage.passages import Passage

async def main() -> None:
    passages, do = Passages(Path(sys.argv[1])), sys.argv[2]
    print("ready", flush=True)
    while True:
        if do == "stage":
            await passages.stage("a", "me", [Passage(f"The lamp of page {n}.") for n in range(20_000)])
        else:
            await passages.publish("me", "a", "a.md")
            await passages.withdraw("me", "a")

asyncio.run(main())
"""


def kill_at(folder: Path, do: str, seconds: float) -> None:
    """Kill a process that does this again and again, so long after it has begun."""
    command = [sys.executable, "-c", WORK, str(folder / NAME), do]
    with subprocess.Popen(command, cwd=ROOT, env=environment({}), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        assert process.poll() is None, "it ended by itself"
        process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.01, 0.05, 0.2])
async def test_a_file_whose_staging_was_killed_is_whole_or_not_staged(
    passages: Passages, tmp_path: Path, seconds: float
) -> None:
    await asyncio.to_thread(kill_at, tmp_path, "stage", seconds)
    assert await passages.count("a") in (None, (0, 20_000))
    await put(passages, "me", "a", "The lamp.")
    assert await holding(passages, "me", "lamp") == {"The lamp.": 1}
    assert rows(tmp_path, "passages") == 1


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.02, 0.1, 0.3])
async def test_a_file_whose_publishing_was_killed_is_published_by_the_next_process(
    passages: Passages, tmp_path: Path, seconds: float
) -> None:
    await passages.stage("a", "me", [Passage(text) for text in TEXTS])
    await asyncio.to_thread(kill_at, tmp_path, "publish", seconds)
    await passages.publish("me", "a", "a.md")
    assert await holding(passages, "me", "lamp") == dict.fromkeys(TEXTS, 1)
    await passages.withdraw("me", "a")
    assert terms(tmp_path) == 0
