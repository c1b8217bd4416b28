"""What an operator has set for a role or a database: limits of time, and how transactions see each other."""

from __future__ import annotations

import threading
from urllib.parse import quote

import pytest

from mockbackend.settings import Settings
from mockbackend.storage import ClaimLimits, Conversation, DayLimits, TooManyTurns
from mockbackend.storage.passages import Snapshot
from mockbackend.storage.postgres import PostgresStorage, claims, migrations, open_postgres
from mockbackend.storage.postgres.database import FIRST_WAIT
from tests.harness.waiting import until
from tests.storage.contract.acts import at_most, begun, end, texts, turn_of
from tests.storage.postgres.rival import Rival

# Longer than a statement waits before it is sent again: a new connection would have ended meanwhile, as the one before.
SHORT = 5 * FIRST_WAIT
TIMEOUTS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout")
LIMITS = dict.fromkeys(TIMEOUTS, f"{SHORT * 1000:.0f}")


def of_a_role(url: str, **settings: str) -> str:
    """The same address, as a role with these settings uses it."""
    return url + quote("".join(f" -c {name}={value}" for name, value in settings.items()))


async def lasts(rival: Rival, condition: str) -> None:
    """Wait until a connection has been in a state for longer than the limits allow."""

    async def has_lasted() -> bool:
        found = await rival.now(
            f"""SELECT 1 FROM pg_stat_activity WHERE {condition} AND pid <> pg_backend_pid()
            AND state_change < clock_timestamp() - make_interval(secs => %s)""",
            SHORT * 3,
        )
        return bool(found)

    await until(has_lasted)


@pytest.mark.slow
async def test_tables_are_made_however_long_it_takes(new_url: str) -> None:
    async with Rival(new_url) as rival:
        await rival.do("SELECT pg_advisory_xact_lock(%s)", migrations.LOCK)
        opening = await rival.held_up(open_postgres(Settings(database_url=of_a_role(new_url, **LIMITS))))
        await lasts(rival, "wait_event_type = 'Lock'")
        assert not opening.done()
        await rival.commit()
        storage = await opening
        await begun(storage, turn_of())
        await end(storage, turn_of())
        assert await texts(storage) == ["t1?", "t1!"]
        await storage.close()


async def test_a_search_may_compute_between_its_statements(storage: PostgresStorage, rival: Rival) -> None:
    limited = await open_postgres(Settings(database_url=of_a_role(rival._url, **LIMITS)))
    done = threading.Event()

    def work(snapshot: Snapshot) -> object:
        assert done.wait(30)
        return snapshot.owner("ann")

    reading = limited.database.start(limited.passages.read_snapshot(work))
    await lasts(rival, "state = 'idle in transaction' AND query LIKE '%%set_config%%'")
    done.set()
    assert await reading is None
    await limited.close()


async def test_a_connection_that_was_ended_is_not_missed(storage: PostgresStorage, rival: Rival) -> None:
    limited = await open_postgres(Settings(database_url=of_a_role(rival._url, **LIMITS)))
    own = [row[0] for row in await limited.database.execute("SELECT pg_backend_pid()")]

    async def is_gone() -> bool:
        return not await rival.now("SELECT 1 FROM pg_stat_activity WHERE pid = ANY(%s)", own)

    await until(is_gone)
    await begun(limited, turn_of())
    await end(limited, turn_of())
    assert await texts(storage) == ["t1?", "t1!"]
    await limited.close()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("level", ["repeatable\\ read", "serializable"])
@pytest.mark.parametrize("day", [DayLimits(), DayLimits(turns=9)])
async def test_a_claim_sees_what_it_has_waited_for(
    storage: PostgresStorage, rival: Rival, level: str, day: DayLimits
) -> None:
    limited = await open_postgres(Settings(database_url=of_a_role(rival._url, default_transaction_isolation=level)))
    await rival.all(
        claims.user_lock(claims.CLAIMING, "ann"),
        claims.claim_statement(
            turn_of(), Conversation("c", "x", False, 1, 1, 0, 0), "x", storage.processes.id, at_most(1), is_new=True
        ),
    )
    mine = turn_of("t2", "c2")
    beginning = await rival.held_up(
        limited.turns.begin("ann", "c2", "x", lambda _: mine, limits=ClaimLimits(1, 9, day), with_base=False)
    )
    await rival.commit()
    with pytest.raises(TooManyTurns):
        await beginning
    await limited.close()
