"""The metadata database: one connection through aiosqlite, which is a thread of its own.

A statement is a transaction, and so is what `transact` runs: each is one hop to the thread, and needs no lock between
tasks. Work of several transactions is ordered so that a crash between any two is finished by whichever process comes
next.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from ... import tracing
from ..statements import name_of
from . import sqlite
from .migrations import MIGRATIONS
from .repair import repair
from .sqlite import Execute, Row

NAME = "conversation_metadata.db"
log = logging.getLogger("mockbackend.storage")
T = TypeVar("T")


def prepare(path: Path) -> None:
    """Prepare this database by `sqlite.prepare`."""

    def set_up(connection: sqlite3.Connection) -> None:
        sqlite.migrate(connection, MIGRATIONS)
        repair(connection)

    sqlite.prepare(path, set_up)


class AbandonedError(Exception):
    """The undoing of a transaction whose waiter was cancelled; nobody sees it."""


class Session:
    """The connection on its own thread, for the work of one hop."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        # Set by the waiter, on its own thread, when it is cancelled.
        self.is_abandoned = False

    def execute(self, statement: str, *values: Any) -> list[Row]:
        """Run one statement and return its rows, RETURNING included."""
        rows: list[Row] = self._connection.execute(statement, values).fetchall()
        return rows

    def rows(self, statement: str, *values: Any) -> Iterator[Row]:
        """Run one statement and read its rows one by one, as many as are wanted."""
        with closing(self._connection.execute(statement, values)) as cursor:
            yield from cursor

    @contextmanager
    def transaction(self) -> Iterator[Execute]:
        """A transaction: what is raised undoes it, and so does a waiter that was cancelled before it is committed."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield self.execute
            if self.is_abandoned:
                raise AbandonedError
            self.execute("COMMIT")
        except BaseException:
            # A full disk has SQLite roll back by itself.
            if self._connection.in_transaction:
                self.execute("ROLLBACK")
            raise


class Database:
    """Statements in, rows out."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, path: Path) -> Database:
        """Open a database that `prepare` has made."""

        def connect() -> sqlite3.Connection:
            connection = sqlite.connect(path, isolation_level=None)
            connection.text_factory = sqlite.text
            return connection

        connection = _Connection(connect, iter_chunk_size=64)
        await connection
        return cls(connection)

    async def execute(self, statement: str, *values: Any) -> list[Row]:
        """Run one statement and return its rows, RETURNING included."""
        with sqlite.storage_errors(), tracing.statement("sqlite", name_of(statement)):
            rows: Iterable[Any] = await self._connection.execute_fetchall(statement, values)
        return list(rows)

    async def transact(self, work: Callable[[Execute], T]) -> T:
        """Run `work` in one transaction on the connection's thread."""

        def whole(session: Session) -> T:
            with session.transaction() as execute:
                return work(execute)

        return await self._connection.run(whole)

    async def run(self, work: Callable[[Session], T]) -> T:
        """Run `work`, whose transactions are its own, on the connection's thread: one hop."""
        return await self._connection.run(work)

    def post(self, work: Callable[[Session], None]) -> None:
        """Have `work` run after all that is under way, and do not wait for it."""
        self._connection.post(work)

    async def close(self) -> None:
        """Close the connection once what is under way is done."""
        await self._connection.close()


class _Connection(aiosqlite.Connection):
    """A whole transaction in one hop; aiosqlite makes one per statement, with those of others in between."""

    async def run(self, work: Callable[[Session], T]) -> T:
        """Run `work` on this connection's thread."""
        session = Session(self._conn)
        try:
            with sqlite.storage_errors(), tracing.statement("sqlite", "transaction"):
                done: T = await self._execute(lambda: work(session))  # type: ignore[no-untyped-call]
        except asyncio.CancelledError:
            session.is_abandoned = True
            raise
        return done

    def post(self, work: Callable[[Session], None]) -> None:
        """Queue `work` on this connection's thread."""
        # Into the queue at once, before whatever the caller asks for next.
        future = asyncio.get_running_loop().create_future()
        future.add_done_callback(_log_failure)
        self._tx.put_nowait((future, lambda: work(Session(self._conn))))


def _log_failure(future: asyncio.Future[Any]) -> None:
    if not future.cancelled() and (error := future.exception()):
        log.error("what nobody waits for could not be stored: %s", error)
