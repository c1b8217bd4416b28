"""What the emulator keeps for later calls, found by every process: stored responses, and images behind URLs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from .database import Database
from .journal import log


class Kept:
    """Values of a kind by their keys, each of a scenario, with which it goes. The oldest of a kind give way."""

    def __init__(self, database: Database, kind: str, most: int, most_bytes: int) -> None:
        self._database = database
        self._kind = kind
        self._most = most
        self._most_bytes = most_bytes

    def add(self, scenario: str, key: str, value: bytes) -> None:
        """Keep a value, in place of another with its key."""
        try:
            with self._database.transaction():
                self._database.execute(
                    "INSERT OR REPLACE INTO kept (kind, scenario, key, value, size) VALUES (?, ?, ?, ?, ?)",
                    *(self._kind, scenario, key, value, len(value)),
                )
                while self._is_full():
                    self._database.execute(
                        "DELETE FROM kept WHERE id = (SELECT min(id) FROM kept WHERE kind = ?)", self._kind
                    )
        except sqlite3.Error as error:
            log.warning("the emulator cannot keep what it answered: %s", error)

    def _is_full(self) -> bool:
        count, size = self._database.row("SELECT count(*), sum(size) FROM kept WHERE kind = ?", self._kind)
        return bool(count > self._most or (size > self._most_bytes and count > 1))

    def find(self, key: str, scenario: str | None = None) -> bytes | None:
        """The value of that key; None if it is not there, or belongs to another scenario than the one that is named."""
        row = self._database.row("SELECT scenario, value FROM kept WHERE kind = ? AND key = ?", self._kind, key)
        return row[1] if row and scenario in (None, row[0]) else None

    def newest(self, scenario: str) -> Iterator[bytes]:
        """A scenario's values, the newest first."""
        statement = "SELECT value FROM kept WHERE id = ?"
        rows = self._database.rows(
            "SELECT id FROM kept WHERE kind = ? AND scenario = ? ORDER BY id DESC", self._kind, scenario
        )
        for (number,) in rows:
            yield self._database.value(statement, number)

    def delete(self, key: str, scenario: str) -> None:
        """Forget a value of a scenario."""
        with self._database.transaction():
            self._database.execute(
                "DELETE FROM kept WHERE kind = ? AND key = ? AND scenario = ?", self._kind, key, scenario
            )
