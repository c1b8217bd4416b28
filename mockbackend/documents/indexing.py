"""Indexing in the background: file after file is read, split, embedded and published.

Each step is stored when it is done. A job that was cut short continues with what is missing, and embeds nothing twice.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, cast

from ..errors import INTERNAL, DailyLimit, UpstreamError
from ..mock import context
from ..settings import Settings
from ..storage import IndexingJob, Passages, Queue, StorageError, traceback_of
from ..upstream import Upstream
from ..upstream.engine import Model
from .embedding import Embedder, patiently
from .errors import Unreadable
from .extraction import Limits, extract
from .formats import FORMATS
from .index import Index
from .metered import MeteredEmbeddings
from .splitting import split

# Files that one process reads at once, each of another user: a large one takes minutes. Each keeps a core busy.
FILES_AT_ONCE = 2
# Beside them one small file is read, whose user may have a large one under way.
SMALL_BYTES = 250_000
NOT_STORED = (
    "The text of the file could not be stored, because the storage cannot be used right now. "
    "The operator should check the log."
)
log = logging.getLogger("mockbackend.documents")


class FileDeleted(Exception):
    """A file that was deleted while it was being indexed."""


class Indexing:
    """The worker tasks of this process, which take files from the queue."""

    def __init__(
        self,
        settings: Settings,
        queue: Queue,
        passages: Passages,
        index: Index,
        upstream: Upstream,
        model: MeteredEmbeddings,
    ) -> None:
        self._settings = settings
        self._limits = Limits(
            settings.extraction_seconds,
            settings.extraction_memory_bytes,
            settings.max_document_pages,
            settings.max_document_characters,
        )
        self._queue = queue
        self._passages = passages
        self._index = index
        self._upstream = upstream
        self._embedder = Embedder(settings, passages, model)
        self._workers: set[asyncio.Task[None]] = set()
        self._woken = False
        self._running: dict[str, asyncio.Task[None]] = {}
        # The users who hold one of the places.
        self._busy: set[str] = set()
        self._small = asyncio.Lock()
        self._claiming = asyncio.Lock()
        self._updating = asyncio.Lock()
        self._has_announced = self._has_all = False
        self._closed = False

    def wake(self) -> None:
        """Look for files in the queue."""
        # A worker that is just finding the queue empty looks again.
        self._woken = True
        if not self._closed and len(self._workers) < FILES_AT_ONCE + 1:
            # Without the context of a request: it works for all of them.
            self._workers.add(asyncio.create_task(self._work(), context=contextvars.Context()))

    async def abandon(self, file_id: str) -> None:
        """Stop indexing this file, if this process does, and wait until it has stopped."""
        if task := self._running.get(file_id):
            task.cancel()
            await asyncio.wait([task])

    async def close(self) -> None:
        """Stop, and leave unfinished files to the next process."""
        self._closed = True
        tasks = [*self._workers, *self._running.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._queue.release()

    async def _work(self) -> None:
        try:
            while self._woken:
                self._woken = False
                while place := await self._claim():
                    # Start another worker for the next file, if there is one.
                    self.wake()
                    job, give_back = place
                    task = asyncio.create_task(self._index_file(job))
                    self._running[job.id] = task
                    try:
                        await asyncio.wait([task])
                    finally:
                        del self._running[job.id]
                        give_back()
                if not self._woken and not self._updating.locked():
                    async with self._updating:
                        await self._update()
        except Exception as error:
            log.error("the queue of files could not be read: %s", error, exc_info=traceback_of(error))
        finally:
            self._workers.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    async def _claim(self) -> tuple[IndexingJob, Callable[[], None]] | None:
        """The next file, and what gives its place back. One claim at a time: two would see the same places."""
        async with self._claiming:
            if len(self._busy) < FILES_AT_ONCE and (job := await self._queue.claim(self._busy)):
                userid = job.userid
                self._busy.add(userid)
                return job, lambda: self._busy.discard(userid)
            if not self._small.locked() and (job := await self._queue.claim(largest=SMALL_BYTES)):
                await self._small.acquire()
                return job, self._small.release
            return None

    async def _index_file(self, job: IndexingJob) -> None:
        """Index a file until it is ready, failed or deleted."""
        self._work_for(job.userid)
        log.info("file %s: indexing starts", job.id)
        try:
            done, total = await self._stage(job)
            await self._report_progress(job, done, total)
            async for done, total in self._embed(job, limited=True):
                await self._report_progress(job, done, total)
            await self._publish(job, total)
            log.info("file %s: ready, %d passages", job.id, total)
        except FileDeleted:
            # The deletion may have come before our last write, so delete what that left.
            await self._forget(job)
        except Unreadable as error:
            await self._fail(job, str(error))
        except (UpstreamError, DailyLimit) as error:
            await self._fail(job, error.message)
        except (OSError, StorageError) as error:
            log.error("file %s could not be indexed: %s", job.id, error)
            await self._fail(job, NOT_STORED)
        except Exception:
            log.exception("file %s could not be indexed", job.id)
            await self._fail(job, INTERNAL)

    def _work_for(self, userid: str) -> None:
        """Make what this task asks the model part of the owner's scenario."""
        if self._settings.engine == "emulator":
            context.enter_background(userid)
        elif self._settings.mock_record:
            context.enter_recorded(userid)

    async def _forget(self, job: IndexingJob) -> None:
        try:
            await self._index.forget(job.userid, job.id)
            await self._passages.forget(job.id)
        except UpstreamError as error:
            # Its row still says that it is to be deleted: the next start tries again.
            log.warning("file %s was deleted, but the index still has it: %s", job.id, error.message)

    async def _publish(self, job: IndexingJob, total: int) -> None:
        await patiently(lambda: self._index.publish(job.userid, job.id, job.name))
        if not await self._queue.ready(job.id, total, self._index.copies):
            raise FileDeleted
        if self._index.copies:
            await self._passages.forget(job.id)

    async def _stage(self, job: IndexingJob) -> tuple[int, int]:
        """Read and split the file, unless that was done before. Returns how many passages have vectors, and of all."""
        counted = await self._passages.count(job.id)
        if counted is None:
            async with job.blob.local_file() as path:
                extracted = await extract(path, FORMATS[job.kind], self._limits)
            await self._queue.notice(job.id, extracted.notice)
            size, overlap = self._settings.passage_characters, self._settings.passage_overlap_characters
            passages = await asyncio.to_thread(split, extracted.blocks, size, overlap)
            await self._passages.stage(job.id, job.userid, passages)
            counted = (0, len(passages))
        return counted

    async def _embed(self, job: IndexingJob, *, limited: bool) -> AsyncIterator[tuple[int, int]]:
        """Embed the file's passages, and say after each batch how many have vectors, and of how many."""
        if not self._upstream.engine.embeddings:
            return
        await self._passages.embed_with(job.id, self._upstream.engine.embeddings.name)
        while await self._embedder.embed_some(job.userid, job.id, limited=limited):
            yield await self._passages.count(job.id) or (0, 0)

    async def outdated(self) -> int:
        """How many ready files are still to be indexed once more."""
        count = await self._outdated_copies()
        if not self._index.copies and (model := self._upstream.engine.embeddings):
            count += await self._passages.outdated(model.name)
        return count

    async def _outdated_copies(self) -> int:
        if self._has_all:
            return 0
        count = await self._queue.outdated(self._index.copies)
        # Where the index needs no copies, none of them gets outdated, and to count reads the rows of all files.
        self._has_all = not count and not self._index.copies
        return count

    async def _update(self) -> None:
        """Index once more what another index has, or what has vectors of another model, until a new file waits."""
        await self._update_copies()
        if not self._index.copies and (model := self._upstream.engine.embeddings):
            await self._update_vectors(model)

    async def _update_vectors(self, model: Model) -> None:
        """Embed the ready files whose vectors are of another model. Until then they are found by their words."""
        await self._passages.adopt(model.name)
        files = await self._passages.unfinished(model.name)
        while not self._woken:
            found = files.pop(0) if files else await self._passages.next_outdated(model.name)
            if found is None:
                return
            userid, file_id = found
            if error := await self._run(file_id, self._embed_all(userid, file_id)):
                log.error("file %s could not be embedded with %s: %s", file_id, model.name, error)
                return

    async def _update_copies(self) -> None:
        """Index once more what the index has no copies of, or only with vectors of another model.

        An index that needs no copies has lost the passages of the files that another has copies of.
        """
        if not (count := await self._outdated_copies()):
            return
        if not self._has_announced:
            self._has_announced = True
            log.warning("the index of documents has changed: %d files are indexed again in the background", count)
        failed: list[str] = []
        try:
            while not self._woken and (job := await self._queue.claim_outdated(self._index.copies)):
                error = await self._run(job.id, self._copy(job))
                if isinstance(error, FileDeleted):
                    await self._forget(job)
                elif error:
                    log.error("file %s could not be indexed again: %s", job.id, error)
                    # Held until the end, since it would be claimed again.
                    failed.append(job.id)
                    if not isinstance(error, Unreadable):
                        return
        finally:
            for file_id in failed:
                await self._queue.give_back(file_id)

    async def _copy(self, job: IndexingJob) -> None:
        self._work_for(job.userid)
        _, total = await self._stage(job)
        async for _ in self._embed(job, limited=False):
            pass
        await self._publish(job, total)
        log.info("file %s: indexed again, %d passages", job.id, total)

    async def _run(self, file_id: str, work: Coroutine[Any, Any, None]) -> BaseException | None:
        """Work on a ready file until that ends, or is abandoned. Returns what it has raised."""
        task = self._running[file_id] = asyncio.create_task(work)
        try:
            await asyncio.wait([task])
        finally:
            del self._running[file_id]
        return None if task.cancelled() else task.exception()

    async def _embed_all(self, userid: str, file_id: str) -> None:
        self._work_for(userid)
        while await self._embedder.embed_some(userid, file_id, limited=False):
            pass
        log.info("file %s: embedded with the model that is set now", file_id)

    async def _report_progress(self, job: IndexingJob, done: int, total: int) -> None:
        if not await self._queue.progress(job.id, "embedding", done, total):
            raise FileDeleted

    async def _fail(self, job: IndexingJob, reason: str) -> None:
        log.warning("file %s failed: %s", job.id, reason)
        try:
            await self._index.forget(job.userid, job.id)
            await self._passages.forget(job.id)
            await self._queue.fail(job.id, reason)
        except Exception as error:
            # The file stays claimed by this process, and the next process tries again.
            log.error("file %s: the failure could not be stored: %s", job.id, error, exc_info=traceback_of(error))
