"""Indexing in the background: one file after the other is read, split, embedded and published.

Each stage is kept when it is done: work that was cut short goes on with what is missing, and embeds nothing twice.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar, cast

from ..errors import INTERNAL, UpstreamError
from ..settings import Settings
from ..storage import IndexingJob, Passages, Queue
from ..storage.passages import Passage
from ..upstream import Upstream
from ..upstream.embeddings import embed
from ..upstream.retry import RetryBudget, retry
from .errors import Unreadable
from .extraction import Limits, extract
from .formats import FORMATS
from .index import Index
from .splitting import split

if TYPE_CHECKING:
    from ..upstream.embeddings import Vector

T = TypeVar("T")

# Files that one process reads at once: each takes a core for as long.
FILES_AT_ONCE = 2
# Nobody waits for it as for an answer: a quota that is used up for minutes is waited out.
TRIES, WAIT_SECONDS = 30, 900.0
NOT_STORED = "What was read from it could not be stored. The operator should check the disk and the log."
log = logging.getLogger("mockbackend.documents")


class FileDeleted(Exception):
    """The file was deleted while it was being indexed."""


class Indexing:
    """This process's share of the queue of files."""

    def __init__(
        self,
        settings: Settings,
        queue: Queue,
        passages: Passages,
        index: Index,
        upstream: Upstream,
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
        self._calls = asyncio.Semaphore(settings.embedding_concurrency)
        self._workers: set[asyncio.Task[None]] = set()
        self._asked = False
        self._running: dict[str, asyncio.Task[None]] = {}
        self._closed = False

    def wake(self) -> None:
        """There may be work."""
        # A worker that is just finding nothing looks once more.
        self._asked = True
        if not self._closed and len(self._workers) < FILES_AT_ONCE:
            # In no request's context: it works for all of them.
            self._workers.add(asyncio.create_task(self._work(), context=contextvars.Context()))

    async def abandon(self, file_id: str) -> None:
        """Stop indexing that file, if this process does; returns once it has stopped."""
        if task := self._running.get(file_id):
            task.cancel()
            await asyncio.wait([task])

    async def close(self) -> None:
        """Stop, and leave what is not done to the next process."""
        self._closed = True
        tasks = [*self._workers, *self._running.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._queue.release()

    async def _work(self) -> None:
        try:
            while self._asked:
                self._asked = False
                while job := await self._queue.claim():
                    # Another worker for the next file, if there is one.
                    self.wake()
                    task = asyncio.create_task(self._index_file(job))
                    self._running[job.id] = task
                    try:
                        await asyncio.wait([task])
                    finally:
                        del self._running[job.id]
        except Exception:
            log.exception("the queue of files could not be read")
        finally:
            self._workers.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    async def _index_file(self, job: IndexingJob) -> None:
        """Index a file to its end, whatever that is."""
        log.info("file %s: indexing begins", job.id)
        try:
            total = await self._stage(job)
            await self._embed(job)
            await _retry(lambda: self._index.publish(job.userid, job.id, job.name))
            if not await self._queue.ready(job.id, total):
                raise FileDeleted
            if self._index.holds_copies:
                await self._passages.forget(job.id)
            log.info("file %s: ready with %d passages", job.id, total)
        except FileDeleted:
            # Whoever deleted it may have done so before our last writing.
            await self._index.forget(job.userid, job.id)
            await self._passages.forget(job.id)
        except Unreadable as error:
            await self._fail(job, str(error))
        except UpstreamError as error:
            await self._fail(job, error.message)
        except OSError as error:
            log.error("file %s could not be indexed: %s", job.id, error.strerror or type(error).__name__)
            await self._fail(job, NOT_STORED)
        except Exception:
            log.exception("file %s could not be indexed", job.id)
            await self._fail(job, INTERNAL)

    async def _stage(self, job: IndexingJob) -> int:
        """Read and split the file, unless that is done; returns the number of its passages."""
        counted = await self._passages.count(job.id)
        if counted is None:
            async with job.blob.local_file() as path:
                blocks = await extract(path, FORMATS[job.kind], self._limits)
            size, overlap = self._settings.passage_characters, self._settings.passage_overlap_characters
            passages = await asyncio.to_thread(split, blocks, size, overlap)
            await self._passages.stage(job.id, job.userid, passages)
            counted = (0, len(passages))
        done, total = counted
        await self._report_progress(job, done, total)
        return total

    async def _embed(self, job: IndexingJob) -> None:
        if not self._upstream.engine.embeddings:
            return
        size = self._settings.embedding_batch_size
        while pending := await self._passages.pending(job.id, size * self._settings.embedding_concurrency):
            batches = [pending[at : at + size] for at in range(0, len(pending), size)]
            calls = (self._embed_batch(job.id, batch) for batch in batches)
            # Those that come back are kept, also where another fails.
            for result in await asyncio.gather(*calls, return_exceptions=True):
                if isinstance(result, BaseException):
                    raise result
            done, total = await self._passages.count(job.id) or (0, 0)
            await self._report_progress(job, done, total)

    async def _embed_batch(self, file_id: str, batch: list[tuple[int, Passage]]) -> None:
        async def call() -> list[Vector]:
            async with self._calls:
                return await embed(self._upstream, [passage.with_heading for _, passage in batch])

        vectors = await _retry(call)
        positions = [position for position, _ in batch]
        await self._passages.add_vectors(file_id, list(zip(positions, vectors, strict=True)))

    async def _report_progress(self, job: IndexingJob, done: int, total: int) -> None:
        if not await self._queue.progress(job.id, "embedding", done, total):
            raise FileDeleted

    async def _fail(self, job: IndexingJob, reason: str) -> None:
        log.warning("file %s failed: %s", job.id, reason)
        try:
            await self._index.forget(job.userid, job.id)
            await self._passages.forget(job.id)
            await self._queue.fail(job.id, reason)
        except Exception:
            # Still ours: whoever comes after this process tries again.
            log.exception("file %s: its failure could not be stored", job.id)


async def _retry(call: Callable[[], Awaitable[T]]) -> T:
    return await retry(call, RetryBudget(TRIES, WAIT_SECONDS))
