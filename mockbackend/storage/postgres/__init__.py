"""The engine on PostgreSQL: one database that any number of processes on any number of hosts share.

Everything is rows: conversations, messages, turns with their logs, images and files in pieces, passages. A turn's end
is one statement. Processes know each other by a row that each renews. Nothing of this package is imported where
DATABASE_URL is not set.
"""

from __future__ import annotations

import asyncio
import errno
from dataclasses import dataclass

from psycopg import Error

from ...settings import Settings
from ..values import NO_ID, StorageError
from . import login, migrations
from .conversations import Conversations
from .database import Database
from .files import Files, Queue
from .history import History
from .images import Images
from .passages import Passages
from .processes import Processes
from .spending import Spending
from .turns import Turns

PROBE_SECONDS = 5.0
_PROBE = """SELECT id, position, turn_id FROM conversations, messages m, turns t
    WHERE id = %(id)s AND m.conversation_id = id AND t.conversation_id = id"""


@dataclass(frozen=True, slots=True)
class PostgresStorage:
    """The contract's Storage, over one database."""

    conversations: Conversations
    history: History
    turns: Turns
    spending: Spending
    images: Images
    files: Files
    file_queue: Queue
    passages: Passages
    processes: Processes
    database: Database
    closing: asyncio.Event

    @property
    def warnings(self) -> tuple[str, ...]:
        return ()

    async def probe(self, *, write: bool) -> None:
        try:
            # Whoever asks wants to know how it is now: a lost connection is not waited out.
            async with asyncio.timeout(PROBE_SECONDS):
                await self.database.execute(_PROBE, {"id": NO_ID}, reserved=True)
                if write:
                    await self.processes.renew()
        except TimeoutError:
            raise StorageError("the database does not answer") from None

    async def login(self) -> str:
        return await login.load_or_make(self.database)

    @property
    def login_place(self) -> str:
        return login.PLACE

    async def close(self) -> None:
        if self.closing.is_set():
            return
        self.closing.set()
        await self.passages.close()
        await self.database.idle()
        await self.processes.stop()
        await self.database.close()


async def open_postgres(settings: Settings, *, upgrade: bool = True) -> PostgresStorage:
    """Open the stores of DATABASE_URL, made and migrated where need be. Raises OSError.

    Without `upgrade` those of an older version are left as they are: raises OlderVersion.
    """
    url = settings.database_url
    try:
        database = await Database.open(url, settings.database_pool_size)
        try:
            await migrations.prepare(database, settings.database_direct_url or url, upgrade=upgrade)
            processes = Processes(database)
            await processes.start()
        except BaseException:
            await database.close()
            raise
    except (Error, StorageError) as error:
        raise OSError(errno.EIO, " ".join(str(error).split())) from error
    return PostgresStorage(
        conversations=Conversations(database),
        history=History(database),
        turns=Turns(database, processes),
        spending=Spending(database),
        images=Images(database, processes.id),
        files=Files(database, processes.id),
        file_queue=Queue(database, processes.id),
        passages=Passages(database, url),
        processes=processes,
        database=database,
        closing=asyncio.Event(),
    )
