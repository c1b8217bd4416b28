"""What is stored in a scenario goes with it: conversations, files, images, counted days. Its running answers end."""

from __future__ import annotations

import asyncio

from ..documents.documents import Documents
from ..mock.store import MockStore
from ..storage import Storage
from ..turn.follow import Follower

PAGE = 200


class ScenarioRemoval:
    """The removal of what scenarios hold."""

    def __init__(self, store: MockStore, storage: Storage, follower: Follower, documents: Documents) -> None:
        self._store = store
        self._storage = storage
        self._follower = follower
        self._documents = documents

    async def clear(self, scenario: str) -> None:
        """Remove all that the scenario's owners have stored."""
        for owner in self._store.scenarios.take_owners(scenario):
            await self._remove_conversations(owner)
            for file in await self._storage.files.listing(owner):
                await self._documents.delete(owner, file.id)
            # Last: the end of a running answer counts as well.
            await self._storage.spending.forget(owner)

    async def _remove_conversations(self, owner: str) -> None:
        store = self._storage.conversations
        while rows := await store.page(owner, limit=PAGE, after=None, query=""):
            hidden = [row.id for row in rows if await store.hide(owner, row.id)]
            await asyncio.gather(*map(self._follower.delete, hidden))
