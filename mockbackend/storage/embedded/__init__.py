"""The engine on SQLite: a folder that any number of processes of one host share.

`conversation_metadata.db` has the rows of conversations, turns, images and files, and what is made of the messages:
`exchanges` for requests, `words` for search. `mock-langgraph-db.db` is LangGraph's saver, the true home of settled
messages; `documents.db` has what was read out of files. Images, documents, and what is long of running turns, are
files. A turn's end writes the saver first and then the rows: "messages there, turn open" is the one state between the
two.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from ...concurrency.liveness import Liveness
from ..values import NO_ID, StorageError
from . import checkpoints, database, login, passages, sqlite
from .checkpoints import Checkpoints
from .conversations import Conversations
from .database import Database
from .files import Files, Queue
from .files.queue import queue_again
from .history import History
from .images import Images
from .migrations import IMAGES, MIGRATIONS
from .passages import Passages
from .reserve import Reserve
from .spending import Spending
from .sqlite import Execute
from .turn_files import TurnFiles
from .turns import Turns

# What a mode allows to others than the owner.
OTHERS = 0o077
DATABASES = (database.NAME, checkpoints.NAME, passages.NAME)
PROBE_BYTES = 4096
# Searches at once: nobody's waits for one that takes long.
SEARCHES = 3


@dataclass(frozen=True, slots=True)
class EmbeddedStorage:
    """The contract's Storage, over one data folder."""

    conversations: Conversations
    history: History
    turns: Turns
    spending: Spending
    images: Images
    files: Files
    file_queue: Queue
    passages: Passages
    liveness: Liveness
    databases: tuple[Database, ...]
    folder: Path
    reserve: Reserve
    identities: dict[Path, tuple[int, int]]
    closing: asyncio.Event

    @property
    def warnings(self) -> tuple[str, ...]:
        if self.folder.stat().st_mode & OTHERS:
            return (f"DATA_DIR: other users of this machine can enter {self.folder}. Run: chmod 700 {self.folder}",)
        return ()

    async def probe(self, *, write: bool) -> None:
        with sqlite.storage_errors():
            await asyncio.to_thread(self._look)
            if not write:
                return
            await asyncio.to_thread(self._write)
        # A commit that changes nothing.
        ((version,),) = await self.databases[-1].execute("PRAGMA user_version")
        await self.databases[-1].execute(f"PRAGMA user_version = {int(version)}")
        await self.conversations.get("nobody", NO_ID)
        await self.history.read(NO_ID)

    def _look(self) -> None:
        for path, identity in self.identities.items():
            if not path.exists() or _identity(path) != identity:
                raise StorageError(f"{path.name} has been removed or replaced; restart the service")
        self.reserve.fill()

    def _write(self) -> None:
        path = self.folder / f"probe.{self.liveness.id}"
        try:
            path.write_bytes(bytes(PROBE_BYTES))
        finally:
            path.unlink(missing_ok=True)

    async def login(self) -> str:
        return await asyncio.to_thread(login.load_or_make, self.folder, _lock(self.folder))

    @property
    def login_place(self) -> str:
        return str(self.folder / login.NAME)

    async def close(self) -> None:
        if self.closing.is_set():
            return
        self.closing.set()
        await self.passages.close()
        await self.history.close()
        for one in self.databases:
            await one.close()
        self.turns.close()
        self.liveness.close()


async def open_embedded(folder: Path, *, upgrade: bool = True) -> EmbeddedStorage:
    """Open the stores in `folder`, made and migrated where need be; any number of processes may share it.

    Without `upgrade` those of an older version are left as they are: raises OlderVersion.
    """
    if not upgrade:
        sqlite.refuse_older(folder / database.NAME, MIGRATIONS)
        sqlite.refuse_older(folder / passages.NAME, passages.MIGRATIONS)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _lock(folder):
        database.prepare(folder / database.NAME)
        checkpoints.prepare(folder / checkpoints.NAME)
        if not (folder / passages.NAME).exists():
            # First, or a crash in between would leave them without it.
            queue_again(folder / database.NAME)
        passages.prepare(folder / passages.NAME)
        liveness = Liveness(folder / "alive")
        # The lock files of dead processes go.
        liveness.others()
    metadata, *searching = [await Database.open(folder / database.NAME) for _ in range(1 + SEARCHES)]
    reserve = Reserve(folder)
    reserve.fill()
    images = Images(metadata, folder / IMAGES, liveness)
    turn_files = TurnFiles(folder / "turns", liveness)
    rows = await metadata.execute("SELECT turn_id FROM turns WHERE over_at IS NULL")
    await asyncio.to_thread(turn_files.clean, {turn_id for (turn_id,) in rows})
    turns = Turns(metadata, Checkpoints(folder / checkpoints.NAME), images, liveness, turn_files)

    def erase_content(execute: Execute, conversation_id: str) -> None:
        turns.erase_history(execute, conversation_id)
        images.forget(execute, conversation_id)

    return EmbeddedStorage(
        conversations=Conversations(metadata, searching, erase_content, turns.shorten_history, reserve),
        history=History(folder / checkpoints.NAME),
        turns=turns,
        spending=Spending(metadata),
        images=images,
        files=Files(metadata, folder / "files", liveness, reserve),
        file_queue=Queue(metadata, folder / "files", liveness),
        passages=Passages(folder / passages.NAME),
        liveness=liveness,
        databases=(*searching, metadata),
        folder=folder,
        reserve=reserve,
        identities={path: _identity(path) for path in (folder / name for name in DATABASES)},
        closing=asyncio.Event(),
    )


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _lock(folder: Path) -> FileLock:
    return FileLock(folder / "setup.lock")
