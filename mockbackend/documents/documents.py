"""The documents of users, as routes and turns use them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import DailyLimit, UpstreamError
from ..settings import Settings
from ..storage import File, Files, Passages, Queue, Storage, StorageError, traceback_of
from ..storage.day_limits import day_limits
from ..storage.passages import Passage
from ..upstream import Upstream
from .index import Index, open_index
from .indexing import Indexing
from .metered import MeteredEmbeddings

# How many passages the model gets from one search, and how much of a query is used.
MAX_PASSAGES = 6
# Of the files that cannot be searched, how many it is given.
MAX_UNREADY = 10
QUERY_CHARACTERS = 2000
log = logging.getLogger("mockbackend.documents")


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage that answers a query, and its file."""

    file: File
    passage: Passage


def open_documents(settings: Settings, storage: Storage, upstream: Upstream) -> Documents:
    """Open the documents in this storage. Raises SettingsError if Azure AI Search is configured and cannot be used."""
    index = open_index(settings, storage, upstream.engine.embeddings.name)
    model = MeteredEmbeddings(upstream, storage.spending, day_limits(settings))
    indexing = Indexing(settings, storage.file_queue, storage.passages, index, upstream, model)
    return Documents(storage.files, storage.file_queue, storage.passages, index, upstream, model, indexing)


class Documents:
    """Search and deletion of documents, and the indexing behind them."""

    def __init__(
        self,
        files: Files,
        queue: Queue,
        passages: Passages,
        index: Index,
        upstream: Upstream,
        model: MeteredEmbeddings,
        indexing: Indexing,
    ) -> None:
        self._files = files
        self._queue = queue
        self._passages = passages
        self._index = index
        self._upstream = upstream
        self._model = model
        self._indexing = indexing
        self._deleting: asyncio.Task[None] | None = None
        # Owners and ids of files whose deletion the storage has cut short.
        self._undeleted: set[tuple[str, str]] = set()

    def wake(self) -> None:
        """Start indexing: new files are waiting."""
        self._indexing.wake()

    async def delete(self, userid: str, file_id: str) -> bool:
        """Delete a file with its passages and vectors. False if the user has no such file."""
        if not await self._files.hide(userid, file_id):
            return False
        await self._end_deletion(userid, file_id)
        return True

    async def catch_up(self) -> None:
        """End the deletions, and count the embeddings, that the storage has cut short."""
        await self._end_deletions(list(self._undeleted))
        await self._model.count()

    async def recover(self) -> None:
        """Finish in the background what a crash cut short; an index may be unreachable for now."""
        hidden = await self._files.hidden()
        self._deleting = asyncio.create_task(self._end_deletions(hidden))
        self.wake()

    async def search(self, userid: str, query: str, file_ids: Sequence[str] | None) -> list[Citation]:
        """The user's passages that answer the query, best first. Raises UpstreamError."""
        query = query[:QUERY_CHARACTERS].strip()
        if not query:
            return []
        vector = None
        if self._upstream.engine.embeddings:
            try:
                vector = (await self._model.embed(userid, [query]))[0]
            except (UpstreamError, DailyLimit):
                # Words alone find most of it, which is better than no answer.
                log.warning("a query could not be embedded, so its search uses words only")
        found = await self._index.search(userid, query, vector, file_ids, MAX_PASSAGES)
        files = await self._files.named(userid, list({one.file_id for one in found}))
        ready = {file_id for file_id, file in files.items() if file.status == "ready"}
        return _newer_first([Citation(files[one.file_id], one.passage) for one in found if one.file_id in ready])

    async def outdated(self) -> int:
        """How many ready files are still to be indexed once more, in another index or with another model."""
        return await self._indexing.outdated()

    async def unready(self, userid: str, file_ids: Sequence[str] | None) -> list[File]:
        """The user's newest files that cannot be searched: not indexed yet, or failed."""
        return await self._files.unready(userid, file_ids, MAX_UNREADY)

    async def close(self) -> None:
        """Stop the work in the background and close the index."""
        if self._deleting is not None:
            self._deleting.cancel()
            await asyncio.wait([self._deleting])
        await self._indexing.close()
        await self._model.count()
        await self._index.close()

    async def _end_deletions(self, hidden: list[tuple[str, str]]) -> None:
        for userid, file_id in hidden:
            try:
                await self._end_deletion(userid, file_id)
            except Exception as error:
                log.error(
                    "the deletion of file %s cannot be finished: %s", file_id, error, exc_info=traceback_of(error)
                )

    async def _end_deletion(self, userid: str, file_id: str) -> None:
        """Delete what belongs to a hidden file. If the index cannot be reached, the rest goes after the next start."""
        await self._indexing.abandon(file_id)
        self._undeleted.discard((userid, file_id))
        try:
            # The file first: on a full disk the rest needs room.
            await self._files.empty(file_id)
            await self._index.forget(userid, file_id)
            await self._passages.forget(file_id)
            await self._files.forget(file_id)
        except (StorageError, UpstreamError) as error:
            if isinstance(error, StorageError):
                self._undeleted.add((userid, file_id))
            log.warning("the deletion of file %s cannot be finished yet: %s", file_id, error)


def _newer_first(citations: list[Citation]) -> list[Citation]:
    """The citations such that of files with one name, versions of a document, the newer comes before the older."""
    of_name: dict[str, list[Citation]] = {}
    for citation in citations:
        of_name.setdefault(citation.file.name, []).append(citation)
    newest = {
        name: iter(sorted(versions, key=lambda citation: -citation.file.created_at))
        for name, versions in of_name.items()
    }
    return [next(newest[citation.file.name]) for citation in citations]
