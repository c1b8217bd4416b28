"""The metadata database: one connection through aiosqlite, which is a thread of its own.

A statement is a transaction, and so is what `transact` runs: each is one hop to the thread, and needs no lock between
tasks. Work of several transactions is ordered so that a crash between any two is finished by whoever comes next.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from . import sqlite
from .migrations import MIGRATIONS

NAME = "conversation_metadata.db"
T = TypeVar("T")
Row = tuple[Any, ...]
Execute = Callable[..., list[Row]]
"""One statement of a transaction: `execute(statement, *values)` returns its rows, RETURNING included."""


def prepare(path: Path) -> None:
    """`sqlite.prepare`, for this database."""
    sqlite.prepare(path, lambda connection: sqlite.migrate(connection, MIGRATIONS))


class AbandonedError(Exception):
    """Nobody waits for the transaction any more, and so it is undone; nobody hears of this either."""


class Database:
    """Statements in, rows out."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, path: Path) -> Database:
        """Open a database that `prepare` has made."""
        connection = _Connection(lambda: sqlite.connect(path, isolation_level=None), iter_chunk_size=64)
        await connection
        # SQLite's own lower() knows ASCII only.
        await connection.create_function("fold", 1, str.casefold, deterministic=True)
        return cls(connection)

    async def execute(self, statement: str, *values: Any) -> list[Row]:
        """Run one statement and return its rows, RETURNING included."""
        rows: Iterable[Any] = await self._connection.execute_fetchall(statement, values)
        return list(rows)

    async def transact(self, work: Callable[[Execute], T]) -> T:
        """Run `work` on the connection's thread, all or nothing.

        What it raises undoes its statements, and so does a waiter that is cancelled before they are committed.
        """
        return await self._connection.transact(work)

    async def close(self) -> None:
        """Close the connection once what is under way is done."""
        await self._connection.close()


class _Connection(aiosqlite.Connection):
    """Of aiosqlite's calls each is one statement: a transaction of four would be six hops, and others' between them."""

    async def transact(self, work: Callable[[Execute], T]) -> T:
        """`Database.transact`."""
        gone = threading.Event()
        try:
            done: T = await self._execute(self._transact, work, gone)  # type: ignore[no-untyped-call]
        except asyncio.CancelledError:
            gone.set()
            raise
        return done

    def _transact(self, work: Callable[[Execute], T], gone: threading.Event) -> T:
        connection = self._conn

        def execute(statement: str, *values: Any) -> list[Row]:
            return connection.execute(statement, values).fetchall()

        execute("BEGIN IMMEDIATE")
        try:
            done = work(execute)
            if gone.is_set():
                raise AbandonedError
            execute("COMMIT")
        except BaseException:
            # A full disk has SQLite roll back by itself.
            if connection.in_transaction:
                execute("ROLLBACK")
            raise
        return done
