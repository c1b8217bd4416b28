"""What the routes are given: the open stores and the turns of this process."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from .login import Login
from .settings import Settings
from .storage import Storage
from .turn.beginning import Beginning
from .turn.history import History
from .turn.runs import Runs
from .upstream import Upstream

log = logging.getLogger("mockbackend")


@dataclass(frozen=True, slots=True)
class Service:
    """One process's parts, wired in `app.py`."""

    settings: Settings
    login: Login
    storage: Storage
    upstream: Upstream
    history: History
    runs: Runs
    beginning: Beginning

    async def delete(self, conversation_id: str) -> None:
        """End the deletion of a hidden conversation; each step may be made twice."""
        run = self.runs.stop_of(conversation_id)
        if run is not None:
            await run.over.wait()
        await self.storage.checkpoints.adelete_thread(conversation_id)
        await self.storage.pictures.forget(conversation_id)
        await self.storage.conversations.forget(conversation_id)

    async def recover(self) -> None:
        """Finish what a crash left half-way: turns, then deletions."""
        await self.beginning.recover_all()
        for conversation_id in await self.storage.conversations.hidden():
            await self.delete(conversation_id)
            log.info("finished the deletion of conversation %s", conversation_id)
