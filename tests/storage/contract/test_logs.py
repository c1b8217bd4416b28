"""What turns have said so far, and the wish that they stop, as other processes see them."""

from __future__ import annotations

from mockbackend.storage import Storage
from tests.storage.contract.acts import answer, begun, end, running, turn_of


async def test_a_log_is_read_in_every_process(storage: Storage, other: Storage) -> None:
    first, second = turn_of(), turn_of("t2", base_length=2)
    assert await other.turns.log(first) is None
    await begun(storage, first)
    assert await other.turns.log(first) == (b"[]", False)
    await storage.turns.write_logs([(first, b"[1]"), (turn_of("none", "none"), b"[3]")])
    assert await other.turns.log(first) == (b"[1]", False)
    await storage.turns.end(first, answer(first), b"[1,2]")
    assert await other.turns.log(first) == (b"[1,2]", True)
    # Who follows it may look again only when the next one has begun.
    await begun(other, second)
    assert await storage.turns.log(first) == (b"[1,2]", True)
    assert await storage.turns.log(second) == (b"[]", False)
    assert await storage.turns.log(turn_of("none")) is None


async def test_a_log_that_comes_late_changes_nothing(storage: Storage) -> None:
    first = turn_of()
    await begun(storage, first)
    await storage.turns.end(first, answer(first), b"[1,2]")
    await storage.turns.write_logs([(first, b"[1]")])
    assert await storage.turns.log(first) == (b"[1,2]", True)
    await begun(storage, turn_of("t2", base_length=2))
    await storage.turns.write_logs([(first, b"[1]")])
    assert await storage.turns.log(first) == (b"[1,2]", True)
    assert (await running(storage)).log == b"[]"


async def test_logs_of_many_turns_are_written_together(storage: Storage, other: Storage) -> None:
    turns = [turn_of(f"t{number}", f"c{number}") for number in range(5)]
    for turn in turns:
        await begun(storage, turn)
    await storage.turns.write_logs([(turn, f"[{turn.turn_id!r}]".encode()) for turn in turns])
    for turn in turns:
        assert await other.turns.log(turn) == (f"[{turn.turn_id!r}]".encode(), False)


async def test_a_stop_reaches_the_process_that_runs_the_turn(storage: Storage, other: Storage) -> None:
    await begun(storage, turn_of())
    await begun(storage, turn_of("t2", "d"))
    assert await storage.turns.beat() == []
    await other.turns.request_stop(turn_of())
    await other.turns.request_stop(turn_of("none", "none"))
    await other.turns.request_stop(turn_of("none", "d"))
    assert (await running(storage)).stop_requested
    assert not (await running(storage, "d")).stop_requested
    assert await other.turns.beat() == []
    assert await storage.turns.beat() == await storage.turns.beat() == ["t1"]
    await end(storage, turn_of())
    assert await storage.turns.beat() == []
    # The next turn is another one.
    await other.turns.request_stop(turn_of())
    await begun(storage, turn_of("t3", base_length=2))
    assert not (await running(storage)).stop_requested
    assert await storage.turns.beat() == []
