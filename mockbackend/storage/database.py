"""The metadata database: one connection through aiosqlite, every statement a transaction of its own.

One statement at a time needs no lock between tasks, and one hop to the connection's thread. Work of several
statements is ordered so that a crash between any two is finished by whoever comes next.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiosqlite

from .migrations import migrate

BUSY_TIMEOUT_MS = 10_000
NAME = "conversation_metadata.db"


def prepare(path: Path) -> None:
    """Create and migrate the database; the caller keeps other processes out meanwhile."""
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        migrate(connection)
    finally:
        connection.close()


class Database:
    """Statements in, rows out."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, path: Path) -> Database:
        """Open a database that `prepare` has made."""
        connection = await aiosqlite.connect(path, isolation_level=None)
        for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "synchronous=NORMAL", "journal_size_limit=4194304"):
            await connection.execute_fetchall(f"PRAGMA {pragma}")
        # SQLite's own lower() knows ASCII only.
        await connection.create_function("fold", 1, str.casefold, deterministic=True)
        return cls(connection)

    async def run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows, RETURNING included."""
        rows: Iterable[Any] = await self._connection.execute_fetchall(statement, values)
        return list(rows)

    async def close(self) -> None:
        """Close the connection once what is under way is done."""
        await self._connection.close()
