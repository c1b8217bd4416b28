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


def call(recorder: Recorder, turn: str, said: bytes) -> None:
    """A call that a turn makes, to its end."""
    context.enter(context.PartOf("default", "ann", turn=turn))
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


async def test_a_script_that_is_written_again_counts_once(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorders, "MAX_SCENARIO_BYTES", 40_000)

    async def written() -> int:
        while recorder._tasks:
            await asyncio.wait(recorder._tasks)
        return sum(len(content) for content in files_of(tmp_path).values())

    for _ in range(25):
        call(recorder, "a", words("x" * 400) + STOP)
    size = await written()
    assert recorder.store.recorded.grow("default", "01-hi-of-a", 0) == (size, size)
    assert len(files_of(tmp_path)) == 26
    # What does not fit is neither written nor counted.
    call(recorder, "b", words("y" * 40_000) + STOP)
    assert await written() == size
    assert recorder.store.recorded.grow("default", "02-hi-of-b", 0) == (size, size)
