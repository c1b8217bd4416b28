"""A connection on a thread of its own, for reading: work on it may take its time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from psycopg import Connection, IsolationLevel

from ..database import NO_TIME_LIMITS, Row, connection_options, patiently

T = TypeVar("T")
Execute = Callable[..., list[Row]]
"""`execute(statement, *values)` returns the statement's rows."""


class SnapshotThread:
    """One connection, opened by the first work, on which work is done one piece after another."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Connection[Row] | None = None
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="passage-snapshots")

    async def run(self, work: Callable[[Execute], T]) -> T:
        """Run `work` on one state of the database. It may be run again, if the connection is lost."""
        loop = asyncio.get_running_loop()
        return await patiently(lambda: loop.run_in_executor(self._executor, self._run, work))

    async def close(self) -> None:
        """Close the connection once work in progress is done."""
        if self._connection is not None:
            await asyncio.get_running_loop().run_in_executor(self._executor, self._connection.close)
        self._executor.shutdown()

    def _run(self, work: Callable[[Execute], T]) -> T:
        connection = self._connected()

        def execute(statement: str, *values: Any) -> list[Row]:
            return connection.execute(statement, values, binary=True).fetchall()

        with connection.transaction():
            # Work computes between its statements.
            execute(NO_TIME_LIMITS)
            return work(execute)

    def _connected(self) -> Connection[Row]:
        if self._connection is None or self._connection.closed:
            # Set on the client, so that each BEGIN says it: nothing is left in a session.
            self._connection = Connection.connect(**connection_options(self._url))
            self._connection.isolation_level = IsolationLevel.REPEATABLE_READ
            self._connection.read_only = True
        return self._connection
