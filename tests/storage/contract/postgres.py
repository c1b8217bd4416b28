"""The engine on PostgreSQL: each place is a schema, which is emptied and used again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import psycopg
import pytest
from psycopg.rows import TupleRow

from mockbackend.messages import Message
from mockbackend.settings import Settings
from mockbackend.storage import Storage, Turn, open_storage
from mockbackend.storage.postgres import PostgresStorage, history
from tests.harness.pgbouncer import pooled
from tests.harness.postgres import Postgres as Server
from tests.storage.contract.damages import DAMAGES, Damage

if TYPE_CHECKING:
    from tests.storage.contract.engines import Engine, NewEngine

Place: TypeAlias = tuple[str, str]
# As many as three processes have.
CONNECTIONS = 40


class Postgres:
    """One schema, and its address."""

    def __init__(
        self, server: Server, place: Place, free: list[Place], connection: psycopg.Connection[TupleRow]
    ) -> None:
        self._server = server
        self._place = place
        self._schema, self._url = place
        self._free = free
        self._connection = connection
        self._living: list[Storage] = []

    async def open(self) -> Storage:
        opened = await open_storage(Settings(database_url=self._url))
        self._living.append(opened)
        return opened

    async def stop(self, storage: Storage) -> None:
        self._living.remove(storage)
        await storage.close()

    async def crash(self, storage: Storage) -> None:
        assert isinstance(storage, PostgresStorage)
        self._living.remove(storage)
        await storage.passages.close()
        await storage.processes.abandon()
        await storage.database.close()
        # As if its lease had run out.
        self._execute("UPDATE processes SET alive_until = now() WHERE id = %s", storage.processes.id)

    async def crash_in_end(self, storage: Storage, turn: Turn, answers: list[Message]) -> None:
        # An end is one statement: a process that dies within it has stored nothing, or all and heard nothing of it.
        await self.crash(storage)

    async def damage_turn(self, conversation_id: str) -> None:
        self._execute("UPDATE turns SET new_messages = '[{' WHERE conversation_id = %s", conversation_id)

    async def damage_messages(self, conversation_id: str, base_length: int) -> None:
        self._execute(
            "UPDATE messages SET body = '[{' WHERE conversation_id = %s AND position IN (%s, %s)",
            *(conversation_id, base_length, base_length + 1),
        )

    async def damage_exchange(self, conversation_id: str, position: int, damage: Damage) -> None:
        one = "conversation_id = %s AND position = %s"
        self._execute(DAMAGES[damage].format(damaged="'\\x7b'::bytea", one=one), conversation_id, position)

    def cut_smaller(self, times: int, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(history, "PIECE_BYTES", history.PIECE_BYTES // times)

    async def close(self) -> None:
        while self._living:
            await self.stop(self._living[0])
        self._server.empty(self._schema)
        self._free.append(self._place)

    def _execute(self, statement: str, *values: str | int) -> None:
        self._connection.execute(f"SET search_path = {self._schema}")
        self._connection.execute(statement, values or None)


@contextmanager
def on(start: Callable[[], Server], folder: Path, *, is_pooled: bool) -> Iterator[NewEngine]:
    """Each engine's schema is one that another has left, or a new one: to empty it takes less time than to make it.

    With a pooler its connections are those that another has left as well.
    """
    free: list[Place] = []
    server = start()
    with server.connect() as connection, ExitStack() as poolers:

        def new() -> Engine:
            if not free:
                schema = server.new_schema()
                url = server.url(schema)
                if is_pooled:
                    url = poolers.enter_context(pooled(schema, CONNECTIONS, "session", start))
                free.append((schema, url))
            return Postgres(server, free.pop(), free, connection)

        yield new
