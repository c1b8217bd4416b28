"""The database: statements in, rows out, over a small pool of connections.

A statement is a transaction of its own. Several that belong together are one transaction and one round trip, so a
pooler in transaction mode may stand between. Nothing is left in a session. A statement may be sent again after its
connection was lost: each is written so that doing it twice does what doing it once does.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeAlias, TypeVar

from psycopg import AsyncConnection, AsyncCursor, Error, InterfaceError, IsolationLevel, OperationalError
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from ... import metrics, tracing
from ..statements import name_of
from ..values import StorageError
from .adapters import CONTEXT

# It logs each connection that fails. Those who need one raise an error, which is logged once.
logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
T = TypeVar("T")
Row = tuple[Any, ...]
Statement = tuple[Any, ...]
"""A statement and then its values: those of its places in order, or one dict for its names."""
Execute = Callable[..., Awaitable[list[Row]]]
"""One statement of a transaction: `await execute(statement, *values)` returns its rows, RETURNING included."""

# How long a lost connection or a failover is waited out.
PATIENCE_SECONDS = 15.0
FIRST_WAIT, LONGEST_WAIT = 0.05, 1.0
# SQLSTATE classes and codes that pass: connections, conflicts between transactions, a server that starts, stops, or
# has no connection left, a standby that is about to become the primary, and a transaction that took longer than it may.
PASSING = ("08", "40", "57P", "53300", "25006", "25P03", "25P04")
# The same for what is the server's fault, and does not pass by itself: no room, an operator's hand, its disk, itself; a
# user, database, schema, table or right that was taken away; a lock that took longer than this user may wait.
UNUSABLE = (*PASSING, "53", "57", "58", "XX", "28", "3D", "3F", "42P01", "42501", "55P03")
# Lifts the limits that a role or a database may set, for a transaction that may take its time. Not every version knows
# each of them.
NO_TIME_LIMITS = """SELECT set_config(name, '0', TRUE) FROM (VALUES ('statement_timeout'), ('lock_timeout'),
    ('idle_in_transaction_session_timeout'), ('transaction_timeout')) known (name)
    WHERE current_setting(name, TRUE) IS NOT NULL"""
# What a server says if it refuses a connection for good. It comes without a SQLSTATE.
REFUSALS = ("password authentication failed", "no password supplied", "no pg_hba.conf entry", "does not exist")
ROWS_AT_ONCE = 16
CONNECTION = {
    "connect_timeout": 5,
    "fallback_application_name": "mockbackend",
    # A host that vanishes closes no connection.
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 15_000,
}


def connection_options(url: str) -> dict[str, Any]:
    """How to connect to that address: its own parameters come first."""
    # Prepared statements belong to a session, which a pooler gives to others.
    own = {"autocommit": True, "prepare_threshold": None, "context": CONTEXT}
    return {**CONNECTION, **conninfo_to_dict(url), **own}


Pool: TypeAlias = AsyncConnectionPool[AsyncConnection[Row]]


class Database:
    """The pool of one process, and one connection beside it for what cannot wait until turns are done with theirs."""

    def __init__(self, pool: Pool, reserved: Pool) -> None:
        self._pool = pool
        self._reserved = reserved
        self._busy = {pool: 0, reserved: 0}
        self._idle = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()

    @classmethod
    async def open(cls, url: str, size: int) -> Database:
        """Connect, and wait for a database that is just starting. Raises StorageError."""
        # The pool does not say why it cannot connect, and goes on whatever the reason is.
        await (await patiently(lambda: AsyncConnection.connect(**connection_options(url)))).close()
        pool, reserved = _pool(url, max(1, size - 1)), _pool(url, 1)
        database = cls(pool, reserved)
        try:
            for one in (pool, reserved):
                await one.open()
                await one.wait(PATIENCE_SECONDS)
        except PoolTimeout as error:
            await database.close()
            raise StorageError(str(error)) from error
        metrics.DB_POOL.set(pool.max_size + reserved.max_size, "allowed")
        return database

    async def execute(self, statement: str, *values: Any, reserved: bool = False) -> list[Row]:
        """Run one statement and return its rows, RETURNING included; over the `reserved` connection where it is so."""

        async def once(connection: AsyncConnection[Row]) -> list[Row]:
            return await _run(connection, statement, *values)

        return await self._with_connection(name_of(statement), once, reserved=reserved)

    async def batch(self, *statements: Statement, then: Statement | None = None) -> list[list[Row]]:
        """Run statements in one transaction and one round trip, `then` after its commit; returns the rows of each.

        Each sees what others have committed by the time that it begins. It is not cut off if the caller is cancelled.
        """

        async def once(connection: AsyncConnection[Row]) -> list[list[Row]]:
            try:
                async with connection.pipeline():
                    await connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
                    cursors = [await _send(connection, *statement) for statement in statements]
                    await connection.execute("COMMIT")
                    if then is not None:
                        cursors.append(await _send(connection, *then))
                return [await _rows(cursor) for cursor in cursors]
            finally:
                if connection.info.transaction_status is TransactionStatus.INERROR:
                    await connection.rollback()

        # Locks come first.
        return await self.whole(self._with_connection(name_of(statements[-1][0]), once))

    async def transact(self, work: Callable[[Execute], Awaitable[T]]) -> T:
        """Run `work` in one transaction, which what it raises undoes. It may be run again from its beginning."""

        async def once(connection: AsyncConnection[Row]) -> T:
            async def execute(statement: str, *values: Any) -> list[Row]:
                return await _run(connection, statement, *values)

            async with connection.transaction():
                return await work(execute)

        return await self.whole(self._with_connection("transaction", once))

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start `work` as a task whose end `close` waits for."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def whole(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` to its end, for which a caller that is cancelled waits."""
        task = self.start(work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            raise

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while any(self._busy.values()) or self._tasks:
            if self._tasks:
                await asyncio.wait(self._tasks)
            else:
                await self._idle.wait()

    async def close(self) -> None:
        """Close all connections once nothing is under way."""
        await self.idle()
        await self._pool.close()
        await self._reserved.close()

    async def _with_connection(
        self, name: str, work: Callable[[AsyncConnection[Row]], Awaitable[T]], *, reserved: bool = False
    ) -> T:
        pool = self._reserved if reserved else self._pool

        async def once() -> T:
            began = time.monotonic()
            async with pool.connection() as connection:
                connected = time.monotonic()
                metrics.DB_WAIT_SECONDS.observe(connected - began)
                try:
                    return await work(connection)
                finally:
                    metrics.DB_STATEMENT_SECONDS.observe(time.monotonic() - connected, name)

        self._count(pool, 1)
        self._idle.clear()
        try:
            with tracing.statement("postgresql", name):
                return await patiently(once)
        finally:
            self._count(pool, -1)
            if not any(self._busy.values()):
                self._idle.set()

    def _count(self, pool: Pool, change: int) -> None:
        self._busy[pool] += change
        used = sum(min(busy, one.max_size) for one, busy in self._busy.items())
        metrics.DB_POOL.set(used, "used")
        metrics.DB_POOL.set(sum(self._busy.values()) - used, "waiting")


def _pool(url: str, size: int) -> Pool:
    return AsyncConnectionPool(
        kwargs=connection_options(url),
        configure=_configure,
        min_size=1,
        max_size=size,
        open=False,
        timeout=PATIENCE_SECONDS,
        num_workers=1,
    )


async def _configure(connection: AsyncConnection[Row]) -> None:
    # Said by each BEGIN, as a role may have another default, under which statements would not see what they wait for.
    await connection.set_isolation_level(IsolationLevel.READ_COMMITTED)


async def patiently(work: Callable[[], Awaitable[T]]) -> T:
    """Do it, and again for a while if the connection is lost or the database is not there. Raises StorageError."""
    until, wait = time.monotonic() + PATIENCE_SECONDS, FIRST_WAIT
    while True:
        try:
            return await work()
        except Error as error:
            passes = _is_among(PASSING, error) and not _is_refusal(error)
            if not passes or time.monotonic() + wait > until:
                if _is_among(UNUSABLE, error):
                    raise StorageError(" ".join(str(error).split())) from error
                raise
        await asyncio.sleep(wait)
        wait = min(LONGEST_WAIT, wait * 2)


def _is_refusal(error: Error) -> bool:
    return error.sqlstate is None and any(words in str(error) for words in REFUSALS)


def _is_among(states: tuple[str, ...], error: Error) -> bool:
    if error.sqlstate is not None:
        return error.sqlstate.startswith(states)
    # Without a code it comes from the connection itself, or from the pool.
    return isinstance(error, OperationalError | InterfaceError) and not isinstance(error, PoolClosed)


async def _run(connection: AsyncConnection[Row], statement: str, *values: Any) -> list[Row]:
    return await _rows(await _send(connection, statement, *values))


async def _send(connection: AsyncConnection[Row], statement: str, *values: Any) -> AsyncCursor[Row]:
    named = values[0] if values and isinstance(values[0], dict) else values
    return await connection.execute(statement, named, binary=True)


async def _rows(cursor: AsyncCursor[Row]) -> list[Row]:
    if not cursor.description:
        return []
    if cursor.rowcount <= ROWS_AT_ONCE:
        return await cursor.fetchall()
    rows: list[Row] = []
    while more := await cursor.fetchmany(ROWS_AT_ONCE):
        rows += more
        # They may be large, and others wait.
        await asyncio.sleep(0)
    return rows
