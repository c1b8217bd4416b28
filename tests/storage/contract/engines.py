"""What the contract's tests need of an engine beyond the contract: processes that die, and rows that are damaged."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol, TypeAlias

import pytest

from mockbackend.messages import Message
from mockbackend.settings import Settings
from mockbackend.storage import Storage, Turn, open_storage
from mockbackend.storage.embedded import EmbeddedStorage, reading, serde
from tests.harness.postgres import debians_postgres, postgres
from tests.storage.contract.acts import SPENT
from tests.storage.contract.damages import DAMAGES, Damage
from tests.storage.contract.postgres import on


class Engine(Protocol):
    """A place where any number of processes store; there is nothing in it yet."""

    async def open(self) -> Storage:
        """Open the store of one more process."""

    async def stop(self, storage: Storage) -> None:
        """End that process in order."""

    async def crash(self, storage: Storage) -> None:
        """Kill that process: it releases nothing, and writes nothing more."""

    async def crash_in_end(self, storage: Storage, turn: Turn, answers: list[Message]) -> None:
        """Kill that process within `turns.end`, after all that this stores before its last step."""

    async def damage_turn(self, conversation_id: str) -> None:
        """Make what the row of the conversation's turn holds unreadable."""

    async def damage_messages(self, conversation_id: str, base_length: int) -> None:
        """Make the settled messages unreadable of the conversation's turn of that base; it is not the first."""

    async def damage_exchange(self, conversation_id: str, position: int, damage: Damage) -> None:
        """Damage what is kept for requests of the exchange at that place, or remove it."""

    def cut_smaller(self, times: int, patch: pytest.MonkeyPatch) -> None:
        """Read histories in pieces that are so many times smaller."""

    async def close(self) -> None:
        """Close the stores of all processes that still live."""


NewEngine: TypeAlias = Callable[[], Engine]


class Embedded:
    """The engine on SQLite, in a folder that has been made."""

    def __init__(self, folder: Path) -> None:
        self._settings = Settings(data_dir=folder)
        self._metadata = folder / "conversation_metadata.db"
        self._saver = folder / "mock-langgraph-db.db"
        self._living: list[Storage] = []

    async def open(self) -> Storage:
        opened = await open_storage(self._settings)
        self._living.append(opened)
        return opened

    async def stop(self, storage: Storage) -> None:
        self._living.remove(storage)
        await storage.close()

    async def crash(self, storage: Storage) -> None:
        assert isinstance(storage, EmbeddedStorage)
        self._living.remove(storage)
        await storage.passages.close()
        await storage.history.close()
        for database in storage.databases:
            await database.close()
        storage.turns.close()
        # The kernel drops a dead process's lock, and leaves the file.
        storage.liveness._lock.release()
        (storage.folder / "alive" / storage.liveness.id).touch()

    async def crash_in_end(self, storage: Storage, turn: Turn, answers: list[Message]) -> None:
        # The messages are written first; the rows follow in one transaction, which is not committed.
        self._execute(
            "CREATE TRIGGER killed BEFORE UPDATE OF over_at ON turns BEGIN SELECT RAISE(ABORT, 'killed'); END"
        )
        with contextlib.suppress(sqlite3.IntegrityError):
            await storage.turns.end(turn, answers, b"[]", SPENT)
        await self.crash(storage)
        self._execute("DROP TRIGGER killed")

    async def damage_turn(self, conversation_id: str) -> None:
        self._execute("UPDATE turns SET new_messages = '[{' WHERE conversation_id = ?", conversation_id)

    async def damage_messages(self, conversation_id: str, base_length: int) -> None:
        with closing(sqlite3.connect(self._saver, timeout=10)) as connection, connection:
            where = "thread_id = ? AND idx = ?"
            connection.execute(f"UPDATE writes SET value = x'ff' WHERE {where}", (conversation_id, base_length))

    async def damage_exchange(self, conversation_id: str, position: int, damage: Damage) -> None:
        one = "key = (SELECT number << 20 FROM numbers WHERE conversation_id = ?) + ?"
        self._execute(DAMAGES[damage].format(damaged="x'7b'", one=one), conversation_id, position)

    def cut_smaller(self, times: int, patch: pytest.MonkeyPatch) -> None:
        piece = serde.BATCH_BYTES // times
        for module in (serde, reading):
            patch.setattr(module, "BATCH_BYTES", piece)
        patch.setattr(serde, "LARGE_BYTES", serde.LARGE_BYTES // times)

    async def close(self) -> None:
        while self._living:
            await self.stop(self._living[0])

    def _execute(self, statement: str, *values: str | int) -> None:
        with closing(sqlite3.connect(self._metadata, timeout=10)) as connection, connection:
            connection.execute(statement, values)


@contextmanager
def embedded(folder: Path) -> Iterator[NewEngine]:
    """Each engine's folder is a copy of one: to make a schema takes ten times as long as to open it."""
    first, numbers = folder / "first", itertools.count()

    async def make() -> None:
        await (await open_storage(Settings(data_dir=first))).close()

    def new() -> Engine:
        shutil.copytree(first, copy := folder / str(next(numbers)))
        return Embedded(copy)

    asyncio.run(make())
    yield new


Opening: TypeAlias = Callable[[Path], AbstractContextManager[NewEngine]]
ENGINES: dict[str, Opening] = {
    "embedded": embedded,
    "postgres": partial(on, postgres, is_pooled=True),
}
# What else an engine has to work with.
OLDER: dict[str, Opening] = {"Debian's postgres": partial(on, debians_postgres, is_pooled=False)}
