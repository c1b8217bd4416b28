"""Turns whose process is gone: settled once, by whoever looks first, and never one that runs."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from mockbackend.events import (
    Event,
    Progress,
    StepEnded,
    StepStarted,
    TextDelta,
    ToolCallStarted,
    TurnEnded,
    Usage,
    dump,
    load,
)
from mockbackend.messages import Message
from mockbackend.storage import DayLimits, RunningTurn, Spent, StorageError, Turn
from mockbackend.storage.embedded import EmbeddedStorage
from mockbackend.turn import finishing
from mockbackend.turn.ending import recover
from mockbackend.turn.recovery import Recovery
from mockbackend.turn.registry import RunRegistry
from mockbackend.turn.run import Run
from tests.harness.waiting import until
from tests.storage.contract.acts import SPENT, begun, end, log_of, ran, running, texts, turn_of
from tests.storage.embedded.conftest import made, opened_before, other, storage

__all__ = ["made", "opened_before", "other", "storage"]


class Beats:
    """A heartbeat of which only the start is seen."""

    def __init__(self) -> None:
        self.starts = 0

    def start(self) -> None:
        self.starts += 1


class Here:
    """What a process has on the store."""

    def __init__(self, storage: EmbeddedStorage) -> None:
        self._turns = storage.turns
        self.registry, self.beats = RunRegistry(), Beats()
        heartbeat: Any = self.beats
        self.recovery = Recovery(storage, self.registry, heartbeat)

    def runs(self, turn: Turn) -> None:
        """From now on it runs this turn."""
        self.registry.add(Run(turn, "chat", self._turns, DayLimits(), resumable=True))


@pytest.fixture
def here(storage: EmbeddedStorage) -> Here:
    return Here(storage)


async def logged(storage: EmbeddedStorage, *events: Event, turn: Turn | None = None) -> Turn:
    """A turn of this process's that nobody runs, and that has said this."""
    turn = turn or turn_of()
    await begun(storage, turn)
    await storage.turns.write_logs([(turn, dump(events), SPENT)])
    return turn


async def answer_of(storage: EmbeddedStorage, turn: Turn) -> tuple[Message, list[Event]]:
    """The stored answer of a turn that has been settled, and the log for those who follow it."""
    found = await log_of(storage, turn)
    assert found is not None
    assert found[1]
    return (await storage.history.read(turn.conversation_id))[-1], load(found[0])


async def test_what_was_said_is_settled_and_marked_incomplete(storage: EmbeddedStorage, here: Here) -> None:
    turn = await logged(storage, StepStarted("m"), TextDelta("half an"), ToolCallStarted("1", "clock"))
    assert await here.recovery.running("c") is None
    answer, log = await answer_of(storage, turn)
    assert (answer["id"], answer["turn"], answer.get("incomplete")) == (turn.message_id, turn.turn_id, True)
    assert [part["type"] for part in answer["parts"]] == ["step", "text", "tool"]
    assert log[:2] == [StepStarted("m"), TextDelta("half an")]
    incomplete = Progress("incomplete", {"reason": "interrupted"})
    assert log[-3:] == [incomplete, StepEnded("stop", Usage()), TurnEnded("stop", Usage())]
    # It deletes the row once its followers had their time.
    assert here.beats.starts == 1
    assert await here.recovery.running("c") is None
    assert here.beats.starts == 1


@pytest.mark.parametrize("said", [b"[]", b"no log"])
async def test_a_turn_of_which_nothing_is_left_has_an_empty_answer(
    storage: EmbeddedStorage, here: Here, said: bytes
) -> None:
    turn = turn_of()
    await begun(storage, turn)
    await storage.turns.write_logs([(turn, said, SPENT)])
    assert await here.recovery.running("c") is None
    answer, log = await answer_of(storage, turn)
    assert (answer["parts"], answer.get("incomplete")) == ([{"type": "step"}], True)
    assert [type(event) for event in log] == [StepStarted, Progress, StepEnded, TurnEnded]


async def test_an_event_out_of_order_costs_only_itself(storage: EmbeddedStorage, here: Here) -> None:
    turn = await logged(storage, TextDelta("too soon"), StepStarted("m"), TextDelta("in time"))
    assert await here.recovery.running("c") is None
    answer, _ = await answer_of(storage, turn)
    assert answer["parts"] == [{"type": "step"}, {"type": "text", "text": "in time"}]


async def test_turns_that_run_here_and_elsewhere_are_left_alone(
    storage: EmbeddedStorage, other: EmbeddedStorage, here: Here
) -> None:
    ours, theirs = turn_of(), turn_of("t2", "d")
    await begun(storage, ours)
    here.runs(ours)
    await begun(other, theirs)
    for turn in (ours, theirs):
        found = await here.recovery.running(turn.conversation_id)
        assert found is not None
        assert found.turn == turn
    await here.recovery.recover_all()
    assert {found.turn.turn_id for found in await storage.turns.unfinished()} == {"t1", "t2"}


async def test_what_another_process_has_taken_over_is_its_own_to_end(
    storage: EmbeddedStorage, other: EmbeddedStorage
) -> None:
    await begun(storage, turn_of())
    await storage.turns.give_up(turn_of(), b"[]", SPENT)
    stale = await running(storage)
    assert await other.turns.take_over(await running(other))
    await recover(storage, stale)
    await end(other, turn_of())
    assert await texts(storage) == ["t1?", "t1!"]


class Deletions:
    """Those that a crash has cut short: none."""

    async def finish_deletions(self) -> None: ...


async def test_much_that_a_crash_left_is_finished_in_the_background(
    storage: EmbeddedStorage, here: Here, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A host that starts serves while thousands of turns of another are settled."""
    deletions: Any = Deletions()
    ending, may_end = storage.turns.end, asyncio.Event()

    async def end_later(*given: Any) -> None:
        await may_end.wait()
        await ending(*given)

    for number in range(3):
        await begun(storage, turn_of(f"t{number}", f"c{number}"))
    monkeypatch.setattr(storage.turns, "end", end_later)
    monkeypatch.setattr(finishing, "SECONDS", 0.01)
    async with asyncio.timeout(5), finishing.finishing(storage, here.recovery, deletions):
        # Not one of them is settled, and what is asked for now would be the next.
        assert len(await storage.turns.recoverable()) == 3
        asked = asyncio.create_task(here.recovery.running("c2"))
        may_end.set()
        assert await asked is None

        async def is_finished() -> bool:
            return await storage.turns.recoverable() == []

        await until(is_finished)
    # The process may end before, and then the next one goes on.
    await begun(storage, turn_of("t9", "c9"))
    may_end.clear()
    async with asyncio.timeout(5), finishing.finishing(storage, here.recovery, deletions):
        pass
    assert await storage.turns.recoverable() == ["c9"]
    assert "goes on in the background" in caplog.text


async def test_a_storage_that_fails_at_the_start_is_told_at_once(
    storage: EmbeddedStorage, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails() -> list[str]:
        raise StorageError("gone")

    monkeypatch.setattr(storage.turns, "recoverable", fails)
    deletions: Any = Deletions()
    with pytest.raises(StorageError, match="gone"):
        async with finishing.finishing(storage, here.recovery, deletions):
            pass


async def test_a_storage_that_fails_in_the_background_is_told_in_the_log(
    storage: EmbeddedStorage, here: Here, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    may_fail = asyncio.Event()

    async def fails() -> list[str]:
        await may_fail.wait()
        raise StorageError("gone")

    async def is_told() -> bool:
        return "what a crash left cannot be finished: gone" in caplog.text

    monkeypatch.setattr(storage.turns, "recoverable", fails)
    monkeypatch.setattr(finishing, "SECONDS", 0.01)
    deletions: Any = Deletions()
    async with asyncio.timeout(5), finishing.finishing(storage, here.recovery, deletions):
        may_fail.set()
        await until(is_told)


async def test_two_that_find_a_dead_turn_at_once_settle_it_once(
    storage: EmbeddedStorage, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[RunningTurn] = []
    take_over = storage.turns.take_over

    async def recorded(found: RunningTurn) -> bool:
        taken.append(found)
        return await take_over(found)

    await begun(storage, turn_of())
    monkeypatch.setattr(storage.turns, "take_over", recorded)
    assert await asyncio.gather(*(here.recovery.running("c") for _ in range(3))) == [None] * 3
    assert len(taken) == 1


async def test_a_turn_that_began_while_a_dead_one_was_settled_is_running(
    storage: EmbeddedStorage, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that found the dead one waits for its turn, and must not settle the next one in its place."""
    await begun(storage, turn_of())
    dead, found = await running(storage), asyncio.Event()
    look = storage.turns.running

    async def recorded(conversation_id: str) -> RunningTurn | None:
        seen = await look(conversation_id)
        found.set()
        return seen

    async with here.recovery._recovering:
        monkeypatch.setattr(storage.turns, "running", recorded)
        waiting = asyncio.create_task(here.recovery.running("c"))
        await found.wait()
        await recover(storage, dead)
        following = turn_of("t2", base_length=2)
        await begun(storage, following)
        here.runs(following)
    running_now = await waiting
    assert running_now is not None
    assert running_now.turn == following
    assert len(await storage.turns.unfinished()) == 1
    assert len(await storage.history.read("c")) == 2


async def test_a_turn_that_cannot_be_settled_holds_up_no_other(
    storage: EmbeddedStorage, here: Here, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settle = storage.turns.end

    async def fails_once(turn: Turn, answers: list[Message], log: bytes, spent: Spent) -> None:
        if turn.turn_id == "t1":
            raise OSError("disk full")
        await settle(turn, answers, log, spent)

    for number in (1, 2):
        await begun(storage, turn_of(f"t{number}", f"c{number}"))
    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(storage.turns, "end", fails_once)
        await here.recovery.recover_all()
    assert "the turn of a dead process in conversation c1 cannot be settled" in caplog.text
    assert [found.turn.turn_id for found in await storage.turns.unfinished()] == ["t1"]
    assert here.beats.starts > 0
    # The next look tries again.
    assert await here.recovery.running("c1") is None
    assert await texts(storage, "c1") == ["t1?", ""]


async def test_the_rows_of_a_start_without_dead_turns_are_forgotten_too(storage: EmbeddedStorage, here: Here) -> None:
    await ran(storage, turn_of())
    await here.recovery.recover_all()
    assert here.beats.starts == 1
