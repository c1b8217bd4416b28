"""What turns have said so far, and the wish that they stop, as other processes see them."""

from __future__ import annotations

from mockbackend.storage import Beat, FollowedTurn, Storage
from tests.storage.contract.acts import SPENT, answer, begun, end, log_of, running, turn_of
from tests.storage.contract.engines import Engine


async def test_a_log_is_read_in_every_process(storage: Storage, other: Storage) -> None:
    first, second = turn_of(), turn_of("t2", base_length=2)
    assert await log_of(other, first) is None
    await begun(storage, first)
    assert await log_of(other, first) == (b"[]", False)
    await storage.turns.write_logs([(first, b"[1]", SPENT), (turn_of("none", "none"), b"[3]", SPENT)])
    assert await log_of(other, first) == (b"[1]", False)
    await storage.turns.end(first, answer(first), b"[1,2]", SPENT)
    assert await log_of(other, first) == (b"[1,2]", True)
    # Who follows it may look again only when the next one has begun.
    await begun(other, second)
    assert await log_of(storage, first) == (b"[1,2]", True)
    assert await log_of(storage, second) == (b"[]", False)
    assert await log_of(storage, turn_of("none")) is None


async def test_a_log_that_comes_late_changes_nothing(storage: Storage) -> None:
    first = turn_of()
    await begun(storage, first)
    await storage.turns.end(first, answer(first), b"[1,2]", SPENT)
    await storage.turns.write_logs([(first, b"[1]", SPENT)])
    assert await log_of(storage, first) == (b"[1,2]", True)
    await begun(storage, turn_of("t2", base_length=2))
    await storage.turns.write_logs([(first, b"[1]", SPENT)])
    assert await log_of(storage, first) == (b"[1,2]", True)
    assert (await running(storage)).log == b"[]"


async def test_logs_of_many_turns_are_written_together(storage: Storage, other: Storage) -> None:
    turns = [turn_of(f"t{number}", f"c{number}") for number in range(5)]
    for turn in turns:
        await begun(storage, turn)
    await storage.turns.write_logs([(turn, f"[{turn.turn_id!r}]".encode(), SPENT) for turn in turns])
    for turn in turns:
        assert await log_of(other, turn) == (f"[{turn.turn_id!r}]".encode(), False)


async def test_a_stop_reaches_the_process_that_runs_the_turn(storage: Storage, other: Storage) -> None:
    await begun(storage, turn_of())
    await begun(storage, turn_of("t2", "d"))
    assert (await storage.turns.beat()).to_stop == []
    await other.turns.request_stop(turn_of())
    await other.turns.request_stop(turn_of("none", "none"))
    await other.turns.request_stop(turn_of("none", "d"))
    assert (await running(storage)).stop_requested
    assert not (await running(storage, "d")).stop_requested
    assert (await other.turns.beat()).to_stop == []
    assert await storage.turns.beat() == await storage.turns.beat() == Beat(["t1"], [])
    await end(storage, turn_of())
    assert (await storage.turns.beat()).to_stop == []
    # The next turn is another one.
    await other.turns.request_stop(turn_of())
    await begun(storage, turn_of("t3", base_length=2))
    assert not (await running(storage)).stop_requested
    assert (await storage.turns.beat()).to_stop == []


async def test_a_follower_reads_a_log_as_it_grows(engine: Engine, storage: Storage, other: Storage) -> None:
    turn = turn_of()
    follower = other.turns.follow(turn)
    assert await follower.read() is None
    await begun(storage, turn)
    assert await follower.read() == FollowedTurn(b"[]", is_over=False, is_elsewhere=True)
    for log in (b"[1]", b"[1,23]", b"[1,234,5]"):
        await storage.turns.write_logs([(turn, log, SPENT)])
        assert await follower.read() == await follower.read() == FollowedTurn(log, is_over=False, is_elsewhere=True)
    assert await storage.turns.follow(turn).read() == FollowedTurn(log, is_over=False, is_elsewhere=False)
    await engine.crash(storage)
    assert await follower.read() == FollowedTurn(log, is_over=False, is_elsewhere=False)
    third = await engine.open()
    assert await third.turns.take_over(await running(third))
    assert await follower.read() == FollowedTurn(log, is_over=False, is_elsewhere=True)
    await third.turns.end(turn, answer(turn), b"[1,234,6]", SPENT)
    assert await follower.read() == FollowedTurn(b"[1,234,6]", is_over=True, is_elsewhere=False)


async def test_a_process_hears_which_of_its_turns_are_followed(storage: Storage, other: Storage) -> None:
    for turn in (turn_of(), turn_of("t2", "d"), turn_of("t3", "e")):
        await begun(storage, turn)
    assert await storage.turns.beat() == Beat([], [])
    for _ in range(2):
        await other.turns.follow(turn_of()).read()
    await other.turns.follow(turn_of("none", "d")).read()
    await other.turns.request_stop(turn_of("t3", "e"))
    assert await storage.turns.beat() == Beat(["t3"], ["t1"])
    assert await other.turns.beat() == Beat([], [])
    await end(storage, turn_of())
    await begun(storage, turn_of("t4", base_length=2))
    assert await storage.turns.beat() == Beat(["t3"], [])
