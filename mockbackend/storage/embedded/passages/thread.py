"""A connection on a thread of its own, with explicit transactions: the event loop never waits for the disk."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from ..sqlite import connect, storage_errors, text

P = ParamSpec("P")
T = TypeVar("T")


class DatabaseThread:
    """One connection. Work on it is done one piece after another, each in a transaction."""

    def __init__(self, path: Path, name: str) -> None:
        self._connection = connect(path, isolation_level=None, cached_statements=256)
        self._connection.text_factory = text
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def write(
        self, work: Callable[Concatenate[sqlite3.Connection, P], T], *values: P.args, **named: P.kwargs
    ) -> T:
        """Run `work` in a transaction, which is rolled back if it raises."""
        return await self._run("BEGIN IMMEDIATE", work, *values, **named)

    async def read(
        self, work: Callable[Concatenate[sqlite3.Connection, P], T], *values: P.args, **named: P.kwargs
    ) -> T:
        """Run `work` on one state of the database. No writer waits for it."""
        return await self._run("BEGIN", work, *values, **named)

    async def close(self) -> None:
        """Close the connection once work in progress is done."""
        await asyncio.get_running_loop().run_in_executor(self._executor, self._connection.close)
        self._executor.shutdown()

    async def _run(
        self, begin: str, work: Callable[Concatenate[sqlite3.Connection, P], T], *values: P.args, **named: P.kwargs
    ) -> T:
        def run() -> T:
            self._connection.execute(begin)
            try:
                result = work(self._connection, *values, **named)
                self._connection.execute("COMMIT")
            except BaseException:
                # SQLite itself may have ended the transaction, on a full disk for instance.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            return result

        with storage_errors():
            return await asyncio.get_running_loop().run_in_executor(self._executor, run)
