"""A turn of another process, read from its log: what is new in it, and how it ends where it is lost."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from mockbackend.events import (
    DELTAS,
    Event,
    Failed,
    ReasoningDelta,
    StepEnded,
    StepStarted,
    TextDelta,
    ToolCallDelta,
    ToolCalled,
    ToolCallStarted,
    ToolReturned,
    TurnEnded,
    Usage,
    dump,
    joined,
    load,
)
from mockbackend.messages import Message
from mockbackend.storage import DamagedHistory, FollowedTurn, Turn
from mockbackend.turn import remote
from mockbackend.turn.remote import LOST, RemoteReader, grown

USER: Message = {"id": "u", "role": "user", "turn": "t", "at": 1, "parts": []}
TURN = Turn("ann", "c", "t", "m", 1, "data", 0, [USER])
# Neighbouring fragments of each kind, of one call and of two, and words that are the same twice.
EVENTS: list[Event] = [
    StepStarted("m"),
    *(ReasoningDelta(text) for text in ("Hm", "Hm", ".")),
    *(TextDelta(text) for text in ("I ", "look", "look")),
    ToolCallStarted("1", "clock"),
    *(ToolCallDelta("1", fragment) for fragment in ("{", "}")),
    ToolCallStarted("2", "clock"),
    *(ToolCallDelta("2", fragment) for fragment in ("{", " ", "}")),
    ToolCalled("1", "clock", {}),
    ToolCalled("2", "clock", {}),
    ToolReturned("1", "noon"),
    ToolReturned("2", "noon"),
    StepEnded("tool-calls", Usage(1, 2)),
    StepStarted("m"),
    *(TextDelta(text) for text in ("It ", "is ", "noon.")),
    StepEnded("stop", Usage(3, 4)),
    TurnEnded("stop", Usage(4, 6)),
]
BEGUN, BETWEEN = EVENTS[:6], EVENTS[:19]


Look = FollowedTurn | Exception | None


def elsewhere(log: bytes) -> FollowedTurn:
    return FollowedTurn(log, is_over=False, is_elsewhere=True)


class Row:
    """What the store says of the turn, one look after another; the last is repeated."""

    def __init__(self, *looks: Look) -> None:
        self._looks = list(looks)
        self.looked_for_death: list[str] = []

    def follow(self, turn: Turn) -> Row:
        assert turn == TURN
        return self

    async def read(self) -> FollowedTurn | None:
        look = self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]
        if isinstance(look, Exception):
            raise look
        return look

    async def running(self, conversation_id: str) -> None:
        self.looked_for_death.append(conversation_id)

    def reader(self) -> RemoteReader:
        turns: Any = SimpleNamespace(follow=self.follow)
        recovery: Any = SimpleNamespace(running=self.running)
        return RemoteReader(TURN, turns, recovery)


def test_a_log_read_at_any_moment_grows_to_the_whole() -> None:
    for first in range(len(EVENTS) + 1):
        for second in range(first, len(EVENTS) + 1):
            seen: list[Event] = []
            read: list[Event] = []
            for cut in (first, second, len(EVENTS)):
                log = load(dump(EVENTS[:cut]))
                read += grown(seen, log)
                seen = log
            assert joined(read) == joined(EVENTS)
            assert all(getattr(event, DELTAS[type(event)]) for event in read if type(event) in DELTAS)


async def test_each_event_is_read_once_and_then_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "POLL_SECONDS", 0.001)
    dead = FollowedTurn(dump(BEGUN), is_over=False, is_elsewhere=False)
    over = FollowedTurn(dump(EVENTS), is_over=True, is_elsewhere=False)
    row = Row(elsewhere(dump(BEGUN)), elsewhere(dump(BEGUN)), dead, over)
    reader = row.reader()
    first, second = await reader.next(), await reader.next()
    assert first == joined(BEGUN)
    assert second is not None
    assert joined([*first, *second]) == joined(EVENTS)
    assert await reader.next() is None
    # Nobody else may notice that its process is dead.
    assert row.looked_for_death == ["c"]


async def test_a_reader_that_is_woken_returns_once() -> None:
    reader = Row(elsewhere(dump(BEGUN))).reader()
    assert await reader.next() == joined(BEGUN)
    reader.wake()
    assert await reader.next() == []
    waiting = asyncio.create_task(reader.next())
    for _ in range(10):
        await asyncio.sleep(0)
    assert not waiting.done()
    reader.wake()
    assert await waiting == []


@pytest.mark.parametrize(
    "loss", [None, elsewhere(b'[["Unknown", {}]]'), DamagedHistory("c")], ids=["gone", "damaged", "history damaged"]
)
async def test_a_turn_that_is_lost_ends_with_an_error(loss: Look) -> None:
    failed, ended = Failed(LOST), StepEnded("error", Usage())
    for seen, closing in (
        ([], [StepStarted("m"), failed, ended, TurnEnded("error", Usage())]),
        (BEGUN, [failed, ended, TurnEnded("error", Usage())]),
        (BETWEEN, [failed, TurnEnded("error", Usage())]),
    ):
        reader = Row(*([elsewhere(dump(seen))] if seen else []), loss).reader()
        if seen:
            assert await reader.next() == joined(seen)
        assert await reader.next() == closing
        assert await reader.next() is None
