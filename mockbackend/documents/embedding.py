"""Embedding the staged passages of files, in batches of which several run at once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from ..settings import Settings
from ..storage import Passages, StorageError
from ..storage.passages import Passage
from ..upstream.retry import RetryBudget, retry
from .metered import MeteredEmbeddings

if TYPE_CHECKING:
    from ..upstream.embeddings import Vector

T = TypeVar("T")

# No user waits for an answer here, so even a quota that is used up for minutes is waited for.
TRIES, WAIT_SECONDS = 30, 900.0
log = logging.getLogger("mockbackend.documents")


class Embedder:
    """The embedding of this process, whose calls together are limited."""

    def __init__(self, settings: Settings, passages: Passages, model: MeteredEmbeddings) -> None:
        self._batch_size = settings.embedding_batch_size
        self._batches_at_once = settings.embedding_concurrency
        self._passages = passages
        self._model = model
        self._calls = asyncio.Semaphore(settings.embedding_concurrency)

    async def embed_some(self, userid: str, file_id: str, *, limited: bool) -> bool:
        """Embed the next passages of the user's file. False if none is left."""
        size = self._batch_size
        pending = await self._passages.pending(file_id, size * self._batches_at_once)
        batches = [pending[at : at + size] for at in range(0, len(pending), size)]
        calls = (self._embed_batch(userid, file_id, batch, limited=limited) for batch in batches)
        # The batches that succeed are kept even if another fails.
        for result in await asyncio.gather(*calls, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result
        return bool(pending)

    async def _embed_batch(self, userid: str, file_id: str, batch: list[tuple[int, Passage]], *, limited: bool) -> None:
        async def call() -> list[Vector]:
            async with self._calls:
                return await self._model.embed(userid, [passage.with_heading for _, passage in batch], limited=limited)

        vectors = await patiently(call)
        positions = [position for position, _ in batch]
        await _stored(partial(self._passages.add_vectors, file_id, list(zip(positions, vectors, strict=True))))


async def _stored(write: Callable[[], Awaitable[None]]) -> None:
    """Write what is paid for. A disk may be full for a while: the write is tried again until it is not, or too long."""
    began, wait = time.monotonic(), 1.0
    while True:
        try:
            return await write()
        except StorageError as error:
            if time.monotonic() - began > WAIT_SECONDS:
                raise
            log.warning("vectors cannot be stored yet: %s", error)
        await asyncio.sleep(wait)
        wait = min(wait * 2, 30)


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """The call's result, tried again for as long as a background job may wait."""
    return await retry(call, RetryBudget(TRIES, WAIT_SECONDS))
