"""A turn of another process, read from its log: what is new in it, and how it ends where it is lost."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from mockbackend.events import (
    DELTAS,
    DataShown,
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
from mockbackend.turn.remote import LOST, RemoteTurns, grown
from mockbackend.turn.run import Reader

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
    # The same twice, which is shown twice.
    *(DataShown("chart", "c", data) for data in (1, 2, 2)),
    DataShown("chart", "c", 3, transient=True),
    ToolReturned("1", "noon"),
    ToolReturned("2", "noon"),
    StepEnded("tool-calls", Usage(1, 2)),
    StepStarted("m"),
    *(TextDelta(text) for text in ("It ", "is ", "noon.")),
    StepEnded("stop", Usage(3, 4)),
    TurnEnded("stop", Usage(4, 6)),
]
BEGUN, BETWEEN = EVENTS[:6], EVENTS[:23]


Look = FollowedTurn | Exception | None


def written(events: list[Event]) -> bytes:
    """The log of these events, as a process writes it."""
    return dump(joined(events))


def elsewhere(log: bytes) -> FollowedTurn:
    return FollowedTurn(log, is_over=False, is_elsewhere=True)


class Row:
    """What the store says of the turn, one look after another; the last is repeated."""

    def __init__(self, *looks: Look) -> None:
        self.looks = list(looks)
        self.followed = 0
        self.looked_for_death: list[str] = []

    def follow(self, turn: Turn) -> Row:
        assert turn == TURN
        self.followed += 1
        return self

    async def read(self) -> FollowedTurn | None:
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(look, Exception):
            raise look
        return look

    async def running(self, conversation_id: str) -> None:
        self.looked_for_death.append(conversation_id)

    def remote(self) -> RemoteTurns:
        turns: Any = SimpleNamespace(follow=self.follow)
        recovery: Any = SimpleNamespace(running=self.running)
        return RemoteTurns(turns, recovery)

    async def reader(self) -> Reader:
        return Reader(await self.remote().find(TURN))


def test_a_log_read_at_any_moment_grows_to_the_whole() -> None:
    for first in range(len(EVENTS) + 1):
        for second in range(first, len(EVENTS) + 1):
            seen: list[Event] = []
            read: list[Event] = []
            for cut in (first, second, len(EVENTS)):
                log = load(written(EVENTS[:cut]))
                read += grown(seen, log)
                seen = log
            assert joined(read) == joined(EVENTS)
            assert all(getattr(event, DELTAS[type(event)]) for event in read if type(event) in DELTAS)


async def test_each_event_is_read_once_and_then_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "POLL_SECONDS", 0.001)
    dead = FollowedTurn(written(BEGUN), is_over=False, is_elsewhere=False)
    over = FollowedTurn(written(EVENTS), is_over=True, is_elsewhere=False)
    row = Row(elsewhere(written(BEGUN)), elsewhere(written(BEGUN)), dead, over)
    reader = await row.reader()
    first, second = await reader.next(), await reader.next()
    assert first == joined(BEGUN)
    assert second is not None
    assert joined([*first, *second]) == joined(EVENTS)
    assert await reader.next() is None
    # Nobody else may notice that its process is dead.
    assert row.looked_for_death == ["c"]


async def test_a_reader_that_is_woken_returns_once() -> None:
    reader = await Row(elsewhere(written(BEGUN))).reader()
    assert await reader.next() == joined(BEGUN)
    waiting = asyncio.create_task(reader.next())
    for _ in range(10):
        await asyncio.sleep(0)
    assert not waiting.done()
    reader.wake()
    assert await waiting == []


async def test_a_turn_is_followed_once_for_all_readers_and_only_while_there_are_any(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remote, "POLL_SECONDS", 0.001)
    row = Row(elsewhere(written(BEGUN)))
    turns = row.remote()
    readers = [Reader(turn) for turn in await asyncio.gather(*(turns.find(TURN) for _ in range(5)))]
    assert [await reader.next() for reader in readers] == [joined(BEGUN)] * 5
    assert row.followed == 1
    first, *others = readers
    for reader in others:
        reader.close()
    row.looks = [elsewhere(written(BETWEEN))]
    assert joined([*joined(BEGUN), *(await first.next() or [])]) == joined(BETWEEN)
    # One who comes later gets everything, of the same look.
    late = Reader(await turns.find(TURN))
    assert joined(await late.next() or []) == joined(BETWEEN)
    assert row.followed == 1
    waiting = asyncio.create_task(late.next())
    await asyncio.sleep(0)
    await turns.close()
    assert await waiting in (None, [])
    assert await late.next() is None
    first.close()
    late.close()
    again = Reader(await turns.find(TURN))
    assert row.followed == 2
    again.close()
    async with asyncio.timeout(5):
        # It is forgotten with its last reader.
        while turns._followed:  # noqa: ASYNC110
            await asyncio.sleep(0.001)


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
        reader = await Row(*([elsewhere(written(seen))] if seen else []), loss).reader()
        if seen:
            assert await reader.next() == joined(seen)
        assert await reader.next() == closing
        assert await reader.next() is None
