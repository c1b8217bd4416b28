"""The heartbeat: what it writes when, and whom it stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mockbackend.events import TextDelta, load
from mockbackend.messages import Message
from mockbackend.storage import Beat, DayLimits, Storage, Turn
from mockbackend.storage.embedded import open_embedded
from mockbackend.turn import heartbeat
from mockbackend.turn.answer import TOO_LONG
from mockbackend.turn.heartbeat import Heartbeat
from mockbackend.turn.registry import RunRegistry
from mockbackend.turn.run import Run
from tests.harness.waiting import until
from tests.storage.contract.acts import at_most


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    opened = await open_embedded(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
async def other(tmp_path: Path, storage: Storage) -> AsyncIterator[Storage]:
    """What another process has open."""
    opened = await open_embedded(tmp_path)
    yield opened
    await opened.close()


async def running(storage: Storage, name: str) -> Run:
    """A run whose row is there, and which has begun a step."""
    user: Message = {"id": "u", "role": "user", "turn": name, "at": 1, "parts": []}
    turn = Turn("ann", name, name, "m", 1, "data", 0, [user])
    _, claim = await storage.turns.begin("ann", name, "Hello", lambda _: turn, limits=at_most(20), with_base=True)
    assert claim
    run = Run(turn, "chat", storage.turns, DayLimits(), resumable=False)
    run.answer.begin_step()
    return run


def registry_of(*runs: Run) -> RunRegistry:
    registry = RunRegistry()
    for run in runs:
        registry.add(run)
    return registry


def say(run: Run, text: str) -> None:
    run.answer.emit(TextDelta(text))


async def written(storage: Storage, name: str) -> str:
    """The words that the row of that turn has."""
    running = await storage.turns.running(name)
    assert running
    return "".join(event.text for event in load(running.log) if isinstance(event, TextDelta))


async def become(storage: Storage, name: str, words: str) -> None:
    async def is_written() -> bool:
        return await written(storage, name) == words

    await until(is_written)


async def test_a_run_in_a_hurry_is_written_at_once_and_the_others_at_the_beat(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "SECONDS", 3600)
    one, other = await running(storage, "one"), await running(storage, "other")
    beating = Heartbeat(storage.turns, registry_of(one, other), 600)
    beating.start()
    say(one, "Now ")
    say(other, "later")
    beating.flush_soon(one)
    await become(storage, "one", "Now ")
    say(one, "and again")
    beating.flush_soon(one)
    await become(storage, "one", "Now and again")
    assert await written(storage, "other") == ""
    await beating.close()


async def test_every_beat_writes_what_is_new_of_all_and_stops_what_takes_too_long(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "SECONDS", 0.01)
    monkeypatch.setattr(heartbeat, "LOGS_AT_ONCE", 2)
    runs = {name: await running(storage, name) for name in "abcde"}
    runs["a"].began -= 601
    beating = Heartbeat(storage.turns, registry_of(*runs.values()), 600)
    beating.start()
    for words in ("first", "first, then"):
        for name, run in runs.items():
            say(run, f"{name} {words}" if words == "first" else ", then")
        for name in runs:
            await become(storage, name, f"{name} {words}")
    assert {name: run.answer.stop.reason for name, run in runs.items() if run.answer.stop.reason} == {"a": TOO_LONG}
    await storage.turns.request_stop(runs["b"].turn)

    async def is_stopped() -> bool:
        return runs["b"].answer.stop.reason == "stopped"

    await until(is_stopped)
    await beating.close()


@pytest.mark.slow
async def test_a_turn_is_written_more_often_only_while_it_is_followed(
    storage: Storage, other: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "SECONDS", 0.2)
    monkeypatch.setattr(heartbeat, "FOLLOWED_SECONDS", 0.01)
    looks = 0
    look = storage.turns.beat

    async def counted() -> Beat:
        nonlocal looks
        looks += 1
        return await look()

    monkeypatch.setattr(storage.turns, "beat", counted)
    clock = asyncio.get_running_loop().time
    run, began = await running(storage, "one"), clock()
    beating = Heartbeat(storage.turns, registry_of(run), 600)
    beating.start()
    say(run, "alone ")
    await become(storage, "one", "alone ")
    say(run, "and again ")
    await become(storage, "one", "alone and again ")
    assert looks <= (clock() - began) / 0.2 + 1
    follower = other.turns.follow(run.turn)

    async def is_followed() -> bool:
        await follower.read()
        return looks > 100

    await until(is_followed)
    # No beat is due any more once this one is over.
    monkeypatch.setattr(heartbeat, "SECONDS", 3600)
    looks = 0
    await until(is_followed)
    say(run, "at once")

    async def is_heard() -> bool:
        found = await follower.read()
        assert found
        return b"at once" in found.log

    await until(is_heard)
    await beating.close()
