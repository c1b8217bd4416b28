"""Processes that die or stall: found out at once on their own host, else by the database's clock; shut out by both."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time

import pytest

from mockbackend.metrics import LEASE_AGE, exposition
from mockbackend.settings import Settings
from mockbackend.storage import Beat, TakenOver
from mockbackend.storage.postgres import PostgresStorage, claims, open_postgres, processes
from tests.harness.metrics import Scrape
from tests.harness.waiting import until
from tests.storage.contract.acts import (
    SPENT,
    answer,
    begin,
    begun,
    end,
    log_of,
    message,
    ran,
    row_of,
    running,
    texts,
    turn_of,
)
from tests.storage.postgres.rival import Rival


async def test_a_stalled_process_that_wakes_changes_nothing(
    storage: PostgresStorage, other: PostgresStorage, rival: Rival
) -> None:
    await ran(storage, turn_of())
    turn = turn_of("t2", base_length=2)
    await begun(storage, turn)
    await storage.turns.write_logs([(turn, b"[1]", SPENT)])
    await rival.expire(storage.processes.id)
    left = await running(other)
    assert (left.log, left.is_alive) == (b"[1]", False)
    assert await other.turns.take_over(left)
    # Before the heir has settled it, and afterwards; and with another turn behind it.
    await storage.turns.write_logs([(turn, b"[1,2]", SPENT)])
    assert (await running(other)).log == b"[1]"
    await other.turns.end(turn, [message("assistant", "t2", "cut")], b"[3]", SPENT)
    row = await row_of(other)
    with pytest.raises(TakenOver):
        await storage.turns.end(turn, answer(turn), b"[2]", SPENT)
    await storage.turns.give_up(turn, b"[2]", SPENT)
    await begun(other, turn_of("t3", base_length=4))
    await storage.turns.give_up(turn, b"[2]", SPENT)
    assert await log_of(other, turn) == (b"[3]", True)
    assert await texts(storage) == ["t1?", "t1!", "t2?", "cut"]
    assert (await running(other)).turn.turn_id == "t3"
    await end(other, turn_of("t3", base_length=4))
    assert (await row_of(other)).version == row.version + 1


async def test_a_process_that_could_not_prove_that_it_lives_stops_its_turns(
    storage: PostgresStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await begun(storage, turn_of())
    assert (await storage.turns.beat()).lapsed == ()
    later = time.monotonic() + processes.LEASE_SECONDS + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert await storage.turns.beat() == Beat([], [], ("t1",))
    # It has come too late, though the row is renewed by now; what begins after that goes on.
    await storage.processes.renew()
    assert await storage.turns.beat() == Beat([], [], ("t1",))
    await begun(storage, turn_of("t2", "d"))
    assert await storage.turns.beat() == Beat([], [], ("t1",))
    # Nobody has taken it over: what was said is stored.
    await end(storage, turn_of())
    assert await texts(storage) == ["t1?", "t1!"]
    assert await storage.turns.beat() == Beat([], [])


async def test_a_row_is_renewed_and_comes_back(
    storage: PostgresStorage, other: PostgresStorage, rival: Rival, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "RENEWAL_SECONDS", 0.05)
    third = await open_postgres(Settings(database_url=rival._url))
    await begun(third, turn_of())
    await rival.now("DELETE FROM processes WHERE id = %s", third.processes.id)

    async def is_alive() -> bool:
        return (await running(other)).is_alive

    await until(is_alive)
    await third.close()
    assert not await is_alive()


async def test_a_process_of_this_host_that_is_gone_is_not_waited_for(
    storage: PostgresStorage, other: PostgresStorage, rival: Rival
) -> None:
    await begun(storage, turn_of())
    gone = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await gone.wait()
    # Its lease runs on, as it does after kill -9.
    await rival.now("UPDATE processes SET pid = %s WHERE id = %s", gone.pid, storage.processes.id)
    left = await running(other)
    assert not left.is_alive
    assert await other.turns.take_over(left)


@pytest.mark.parametrize("change", [("started", "1"), ("host", "another host")])
async def test_a_pid_proves_something_on_its_host_and_since_its_start_alone(
    storage: PostgresStorage, other: PostgresStorage, rival: Rival, change: tuple[str, str]
) -> None:
    column, value = change
    await begun(storage, turn_of())
    await rival.now(f"UPDATE processes SET {column} = %s, pid = %s", value, os.getpid())
    # The pid was given to another process since then; elsewhere it is another's anyway.
    assert (await running(other)).is_alive == (column == "host")


async def test_rows_of_the_dead_go(storage: PostgresStorage, rival: Rival) -> None:
    await rival.now("INSERT INTO processes VALUES ('old', '', 1, '', now() - interval '2 days')")
    await rival.now("INSERT INTO processes VALUES ('recent', '', 1, '', now() - interval '1 hour')")
    await (await open_postgres(Settings(database_url=rival._url))).close()
    assert await rival.now("SELECT id FROM processes WHERE host = ''") == [("recent",)]


async def test_what_cannot_be_renewed_is_logged(
    storage: PostgresStorage, rival: Rival, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "RENEWAL_SECONDS", 0.05)
    third = await open_postgres(Settings(database_url=rival._url))
    with caplog.at_level(logging.WARNING):
        await rival.now("ALTER TABLE processes RENAME TO elsewhere")

        async def is_logged() -> bool:
            return "could not renew its row" in caplog.text

        await until(is_logged)
        await rival.now("ALTER TABLE elsewhere RENAME TO processes")
    await third.close()


_REFUSE = """CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'not now'; END $$ LANGUAGE plpgsql;
    CREATE TRIGGER refuse BEFORE INSERT ON processes EXECUTE FUNCTION refuse()"""


async def test_no_error_ends_the_renewals(
    storage: PostgresStorage, rival: Rival, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "RENEWAL_SECONDS", 0.05)
    # A role may have such a limit.
    third = await open_postgres(Settings(database_url=f"{rival._url}%20-c%20lock_timeout%3D50"))

    me = third.processes.id

    async def is_renewed() -> bool:
        return bool(await rival.now("SELECT 1 FROM processes WHERE id = %s AND alive_until > now()", me))

    async def fails(error: str) -> None:
        async def is_logged() -> bool:
            return error in caplog.text

        with caplog.at_level(logging.WARNING):
            await until(is_logged)

    await rival.do("LOCK TABLE processes IN ACCESS EXCLUSIVE MODE")
    await fails("lock timeout")
    await rival.commit()
    await rival.expire(me)
    await until(is_renewed)
    # What nobody has foreseen.
    await rival.now(_REFUSE)
    await fails("not now")
    await rival.now("DROP FUNCTION refuse CASCADE")
    await rival.expire(me)
    await until(is_renewed)
    await third.close()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("size", [1, 4])
async def test_a_lease_and_a_trial_do_not_wait_behind_turns(
    storage: PostgresStorage, rival: Rival, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(processes, "RENEWAL_SECONDS", 0.05)
    third = await open_postgres(Settings(database_url=rival._url, database_pool_size=size))
    me = third.processes.id
    # A user's claims wait for one another, each with a connection; more wait for a connection.
    await rival.do(*claims.user_lock(claims.CLAIMING, "ann"))
    waiting = [asyncio.create_task(begin(third, turn_of(f"t{n}", f"c{n}"))) for n in range(size + 2)]

    async def is_full() -> bool:
        return Scrape(exposition().decode())("db_pool", state="waiting") >= 2

    async def is_renewed() -> bool:
        return bool(await rival.now("SELECT 1 FROM processes WHERE id = %s AND alive_until > now()", me))

    await until(is_full)
    await rival.expire(me)
    await until(is_renewed)
    async with asyncio.timeout(2):
        await third.probe(write=True)
    assert not any(task.done() for task in waiting)
    assert Scrape(exposition().decode())("db_pool", state="allowed") == max(2, size)
    await rival.commit()
    await asyncio.gather(*waiting)
    await third.close()


async def test_a_lease_that_is_not_renewed_ages_until_it_is_given_up(storage: PostgresStorage) -> None:
    def age() -> float:
        return Scrape(exposition().decode())("lease_age_seconds")

    await storage.processes.renew()
    assert age() < 5
    LEASE_AGE.begin(time.monotonic() - 100)
    assert 100 <= age() < 105
    await storage.processes.renew()
    assert age() < 5
    await storage.processes.abandon()
    assert age() == 0
