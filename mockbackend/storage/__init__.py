"""Everything that outlives a process. Storage knows no HTTP and no model API.

conversations, turns and pictures are rows of the metadata database; checkpoints is LangGraph's saver, the true home
of settled messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from . import checkpoints, database
from .checkpoints import Checkpoints
from .conversations import Conversations
from .database import Database
from .liveness import Liveness
from .pictures import Pictures
from .turns import Turns


@dataclass(frozen=True, slots=True)
class Storage:
    """The stores of one data folder, open."""

    conversations: Conversations
    turns: Turns
    pictures: Pictures
    checkpoints: Checkpoints
    liveness: Liveness
    database: Database

    async def close(self) -> None:
        """Close everything; other processes see at once that this one is gone."""
        await self.checkpoints.aclose()
        await self.database.close()
        self.liveness.close()


async def open_storage(folder: Path) -> Storage:
    """Open the stores in `folder`, made and migrated where need be; any number of processes may share it."""
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "setup.lock"):
        database.prepare(folder / database.NAME)
        checkpoints.prepare(folder / checkpoints.NAME)
        liveness = Liveness(folder / "alive")
        liveness.clean()
    metadata = await Database.open(folder / database.NAME)
    return Storage(
        conversations=Conversations(metadata),
        turns=Turns(metadata, liveness.id),
        pictures=Pictures(metadata, folder / "pictures", liveness.id),
        checkpoints=Checkpoints(folder / checkpoints.NAME),
        liveness=liveness,
        database=metadata,
    )
