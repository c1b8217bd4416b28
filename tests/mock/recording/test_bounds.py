"""What a recorder keeps, and counts, of many turns and of turns with many calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from mockbackend.mock import context
from mockbackend.mock.recording import recorder as recorders
from mockbackend.mock.recording.recorder import Recorder
from mockbackend.mock.store import MockStore
from tests.harness.raw_model import STOP, words
from tests.mock.recording.conftest import files_of


@pytest.fixture
async def recorder(tmp_path: Path) -> AsyncIterator[Recorder]:
    opened = Recorder(tmp_path, MockStore(None), [])
    yield opened
    await opened.close()


def call(recorder: Recorder, turn: str, said: bytes, scenario: str = "default") -> None:
    """A call that a turn makes, to its end."""
    context.enter(context.PartOf(scenario, "ann", turn=turn, answer=turn))
    body = orjson.dumps({"messages": [{"role": "user", "content": f"hi of {turn}"}]})
    tap = recorder.begin("/v1/chat/completions", body)
    assert tap
    tap.answered(200, [(b"Content-Type", b"text/event-stream")])
    tap.data(said)
    tap.ended("end")


async def test_a_turn_that_goes_on_stays_open_however_old_it_is(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorders, "MAX_OPEN", 2)
    for turn in ("a", "b", "a", "c", "a", "b"):
        call(recorder, turn, STOP)
    names = [name for _, name in recorder.store.recorded.names()]
    assert names == ["01-hi-of-a", "02-hi-of-b", "03-hi-of-c", "04-hi-of-b"]


async def written(recorder: Recorder, folder: Path) -> int:
    """The bytes of all files of a recording, once they are written."""
    while recorder._tasks:
        await asyncio.wait(recorder._tasks)
    return sum(len(content) for content in files_of(folder).values())


async def test_a_script_that_is_written_again_counts_once(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorders, "MAX_SCENARIO_BYTES", 40_000)
    for _ in range(25):
        call(recorder, "a", words("x" * 400) + STOP)
    size = await written(recorder, tmp_path)
    assert recorder.store.recorded.grow("default", "01-hi-of-a", 0) == (size, size)
    assert len(files_of(tmp_path)) == 26
    # What does not fit is neither written nor counted.
    call(recorder, "b", words("y" * 40_000) + STOP)
    assert await written(recorder, tmp_path) == size
    assert recorder.store.recorded.grow("default", "02-hi-of-b", 0) == (size, size)


async def test_a_full_folder_takes_nothing_more_says_so_once_and_others_are_recorded(
    recorder: Recorder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    full = f"{tmp_path} is full, and nothing more is recorded there; name another by X-Mock-Scenario"
    other = recorder.store.recorded.add("other", "of-before")
    assert other
    recorder.store.scenarios.ensure("other")
    # All that a folder may have but for a kilobyte, as 40 MB of answers would leave it.
    before = recorder.store.recorded.add("default", "of-before")
    assert before
    recorder.store.recorded.grow("default", before, 40 * 1024 * 1024 - 1024)
    for turn in "ab":
        call(recorder, turn, words("x" * 2000) + STOP)
    call(recorder, "c", words("a small one") + STOP)
    await written(recorder, tmp_path)
    assert {name.split(".")[0] for name in files_of(tmp_path)} == {"04-hi-of-c"}
    assert [one.getMessage() for one in caplog.records] == [f"MOCK_RECORD: {full}"]
    # Each folder may have as much, until all together have 1 GB.
    call(recorder, "d", words("x" * 2000) + STOP, "other")
    await written(recorder, tmp_path)
    assert {name.split(".")[0] for name in files_of(tmp_path / "other")} == {"02-hi-of-d"}
    recorder.store.recorded.grow("other", other, 984 * 1024 * 1024)
    call(recorder, "e", words("small") + STOP, "third")
    await written(recorder, tmp_path)
    assert not (tmp_path / "third").exists()
    assert len(caplog.records) == 2
