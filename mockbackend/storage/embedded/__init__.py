"""Everything that outlives a process. Storage knows no HTTP and no model API.

conversations, turns, images and files are rows of the metadata database; checkpoints is LangGraph's saver, the true
home of settled messages; passages is what was read out of files, on its way into an index.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from . import checkpoints, database, passages
from .checkpoints import Checkpoints
from .conversations import Conversations
from .database import Database
from .files import Files, Queue
from .images import Images
from .liveness import Liveness
from .passages import EmbeddedIndex, Passages
from .turns import Turns


@dataclass(frozen=True, slots=True)
class Storage:
    """The stores of one data folder, open."""

    conversations: Conversations
    turns: Turns
    images: Images
    files: Files
    file_queue: Queue
    passages: Passages
    checkpoints: Checkpoints
    liveness: Liveness
    database: Database
    searching: Database
    folder: Path

    def open_index(self) -> EmbeddedIndex:
        """The embedded index of documents, which its user closes: another may be in use."""
        return EmbeddedIndex(self.folder / passages.NAME)

    async def close(self) -> None:
        """Close everything; other processes see at once that this one is gone."""
        await self.passages.close()
        await self.checkpoints.aclose()
        await self.searching.close()
        await self.database.close()
        self.liveness.close()


async def open_storage(folder: Path) -> Storage:
    """Open the stores in `folder`, made and migrated where need be; any number of processes may share it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(folder / "setup.lock"):
        database.prepare(folder / database.NAME)
        checkpoints.prepare(folder / checkpoints.NAME)
        passages.prepare(folder / passages.NAME)
        liveness = Liveness(folder / "alive")
        liveness.clean()
    metadata, searching = [await Database.open(folder / database.NAME) for _ in range(2)]
    return Storage(
        conversations=Conversations(metadata, searching),
        turns=Turns(metadata, liveness.id),
        images=Images(metadata, folder / "pictures", liveness.id),
        files=Files(metadata, folder / "files", liveness.id),
        file_queue=Queue(metadata, folder / "files", liveness.id),
        passages=Passages(folder / passages.NAME),
        checkpoints=Checkpoints(folder / checkpoints.NAME),
        liveness=liveness,
        database=metadata,
        searching=searching,
        folder=folder,
    )
