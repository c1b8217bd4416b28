"""Changes to what each of the emulator's processes holds in memory, in one order for all of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from .database import Database


class Changes:
    """The changes of a kind, by scenario, with which they go. Each process makes those of the others as well."""

    def __init__(self, database: Database, kind: str) -> None:
        self._database = database
        self._kind = kind

    @contextmanager
    def alone(self) -> Iterator[None]:
        """A context in which no other process changes anything. Nothing may be awaited in it."""
        with self._database.transaction():
            yield

    def add(self, scenario: str, change: bytes) -> int:
        """Note a change, and return its number."""
        number: int = self._database.value(
            "INSERT INTO kept (kind, scenario, key, value, size) VALUES (?, ?, ?, ?, ?) RETURNING id",
            *(self._kind, scenario, uuid.uuid4().hex, change, len(change)),
        )
        return number

    def first(self, scenario: str) -> str | None:
        """The name of the first change. Another one means that all of them have been replaced."""
        found: str | None = self._database.value(
            "SELECT key FROM kept WHERE scenario = ? AND kind = ? ORDER BY id LIMIT 1", scenario, self._kind
        )
        return found

    def after(self, scenario: str, number: int) -> list[tuple[int, bytes]]:
        """The changes that follow the one of that number."""
        return self._database.rows(
            "SELECT id, value FROM kept WHERE scenario = ? AND kind = ? AND id > ? ORDER BY id",
            *(scenario, self._kind, number),
        )

    def size(self, scenario: str) -> int:
        """The bytes of all changes."""
        found: int | None = self._database.value(
            "SELECT sum(size) FROM kept WHERE scenario = ? AND kind = ?", scenario, self._kind
        )
        return found or 0

    def clear(self, scenario: str) -> None:
        """Forget all changes."""
        self._database.execute("DELETE FROM kept WHERE scenario = ? AND kind = ?", scenario, self._kind)
