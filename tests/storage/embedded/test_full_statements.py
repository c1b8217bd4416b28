"""A disk that is full at any one statement of a turn's claim, log and end, for that one or for all that follow."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest

from mockbackend.storage import StorageError
from mockbackend.storage.embedded import EmbeddedStorage
from mockbackend.storage.embedded.database import Session
from mockbackend.storage.embedded.sqlite import Row
from mockbackend.turn.heartbeat import Heartbeat
from mockbackend.turn.recovery import Recovery
from mockbackend.turn.registry import RunRegistry
from tests.storage.contract.acts import SPENT, begin, end, found, ran, texts, turn_of

LOG = b'[["StepStarted",{"message_id":"m"}],["TextDelta",{"text":"cut"}]]'
# What takes room, or may; what is read and undone needs none.
WRITES = ("INSERT", "UPDATE", "DELETE", "COMMIT")
# Messages that are there before, and how many of them stay.
BASES = {"first": (0, 0), "second": (2, 2), "regenerated": (4, 2)}


class Disk:
    """A disk that is full from the write of that number, from 1 on, for `last` of them."""

    def __init__(self, number: int, last: float) -> None:
        self.writes = 0
        self._number, self._last = number, last

    def write(self, statement: str) -> None:
        """Count the statement, or raise what SQLite raises."""
        if statement.lstrip().startswith(WRITES):
            self.writes += 1
            if self._number <= self.writes < self._number + self._last:
                error = sqlite3.OperationalError("database or disk is full")
                error.sqlite_errorcode = sqlite3.SQLITE_FULL
                raise error


class Connection:
    """The connection to the saver's database, on that disk."""

    def __init__(self, connection: Any, disk: Disk) -> None:
        self._connection = connection
        self._disk = disk

    def execute(self, statement: str, values: Any = ()) -> Any:
        self._disk.write(statement)
        return self._connection.execute(statement, values)

    def commit(self) -> None:
        self._disk.write("COMMIT")
        self._connection.commit()

    def rollback(self) -> None:
        self._connection.rollback()


@contextmanager
def full(disk: Disk, storage: EmbeddedStorage, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Within the context all that is written of turns is on that disk."""
    execute = Session.execute

    def counted(session: Session, statement: str, *values: Any) -> list[Row]:
        disk.write(statement)
        return execute(session, statement, *values)

    with monkeypatch.context() as patch:
        patch.setattr(Session, "execute", counted)
        patch.setattr(storage.turns._checkpoints, "conn", Connection(storage.turns._checkpoints.conn, disk))
        yield


@asynccontextmanager
async def recovery(storage: EmbeddedStorage) -> AsyncIterator[Recovery]:
    heartbeat = Heartbeat(storage.turns, RunRegistry(), 600)
    yield Recovery(storage, RunRegistry(), heartbeat)
    await heartbeat.close()


@pytest.mark.sampled(5)
@pytest.mark.parametrize("last", [1, float("inf")])
@pytest.mark.parametrize("case", BASES)
async def test_what_was_acknowledged_is_there_and_what_was_refused_is_not(
    storage: EmbeddedStorage, monkeypatch: pytest.MonkeyPatch, case: str, last: float
) -> None:
    count, base = BASES[case]
    for number in itertools.count(1):
        home = f"c{number}"
        for place in range(0, count, 2):
            await ran(storage, turn_of(f"{home}-{place}", home, base_length=place))
        before = await texts(storage, home)
        turn, disk = turn_of(f"{home}-new", home, base_length=base), Disk(number, last)
        is_acknowledged = is_over = False
        with full(disk, storage, monkeypatch), suppress(StorageError):
            await begin(storage, turn)
            is_acknowledged = True
            with suppress(StorageError):
                await storage.turns.write_logs([(turn, LOG, SPENT)])
            try:
                await end(storage, turn)
                is_over = True
            except StorageError:
                await storage.turns.give_up(turn, LOG, SPENT)
        # Whoever comes next, in this process: the disk has room again.
        async with recovery(storage) as recovered:
            assert await recovered.running(home) is None
        left, kept, asked = await texts(storage, home), before[:base], f"{turn.turn_id}?"
        whole, cut, unanswered = ([*kept, asked, said] for said in (f"{turn.turn_id}!", "cut", ""))
        assert left in ([whole] if is_over else [whole, cut, unanswered] if is_acknowledged else [before]), number
        row = await storage.conversations.get("ann", home)
        assert (row.message_count if row else 0) == len(left)
        assert (row is None) == (left == [])
        assert (await found(storage, asked) == [home]) == (asked in left)
        await ran(storage, replace(turn_of(f"{home}-next", home), base_length=len(left)))
        assert await texts(storage, home) == [*left, f"{home}-next?", f"{home}-next!"]
        if disk.writes < number:
            break
    assert number > 10
