"""Another process in the middle of a transaction, which goes on when the test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

from psycopg import AsyncConnection

from mockbackend.storage.postgres.database import Row, Statement, connection_options
from tests.harness.waiting import until

T = TypeVar("T")


class Rival:
    """One connection that commits nothing by itself, and one that watches."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> Self:
        self._mine = await AsyncConnection.connect(**{**connection_options(self._url), "autocommit": False})
        self._watching = await AsyncConnection.connect(**connection_options(self._url))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._mine.close()
        await self._watching.close()

    async def do(self, statement: str, *values: Any) -> list[Row]:
        """Run it in the transaction, in which it stays until the commit."""
        return await _rows(self._mine, statement, *values)

    async def all(self, *statements: Statement) -> list[Row]:
        """Run them, as `Database.batch` does; the rows of the last one."""
        rows: list[Row] = []
        for statement in statements:
            rows = await self.do(*statement)
        return rows

    async def now(self, statement: str, *values: Any) -> list[Row]:
        """Run it beside the transaction, and commit it."""
        return await _rows(self._watching, statement, *values)

    async def held_up(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start `work`, and return once it waits for what the transaction has locked."""
        task = asyncio.create_task(work)
        pid = self._mine.info.backend_pid

        async def waits() -> bool:
            if task.done():
                raise AssertionError(f"it has not waited: {task}")
            return bool(await self.now("SELECT 1 FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))", pid))

        await until(waits)
        return task

    async def commit(self) -> None:
        """Let those go on that wait."""
        await self._mine.commit()

    async def expire(self, process: str) -> None:
        """Let the lease of a process run out."""
        await self.now("UPDATE processes SET alive_until = now() WHERE id = %s", process)


async def _rows(connection: AsyncConnection[Row], statement: str, *values: Any) -> list[Row]:
    named = values[0] if values and isinstance(values[0], dict) else values
    cursor = await connection.execute(statement, named or None)
    return await cursor.fetchall() if cursor.description else []
