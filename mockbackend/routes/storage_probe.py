"""Whether the storage works: tried for the load balancer, and looked at in the background.

What it has cut short is finished once it works again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ..documents.documents import Documents
from ..errors import ServiceError
from ..storage import Storage, traceback_of
from ..turn.follow import Follower
from ..turn.recovery import Recovery

# Whoever asks, and however often.
SECONDS_BETWEEN_TRIALS = 1.0
SECONDS_BETWEEN_LOOKS = 5.0
# A load balancer does not wait for long either.
SECONDS_OF_A_TRIAL = 2.0
log = logging.getLogger("mockbackend")


class StorageProbe:
    """Tries the storage at most once a second, and logs when it fails and when it works again."""

    def __init__(self, storage: Storage, recovery: Recovery, follower: Follower, documents: Documents) -> None:
        self._storage = storage
        self._recovery = recovery
        self._follower = follower
        self._documents = documents
        self._trying = asyncio.Lock()
        self._tried = float("-inf")
        self._failed = False

    @classmethod
    @asynccontextmanager
    async def watching(
        cls, storage: Storage, recovery: Recovery, follower: Follower, documents: Documents
    ) -> AsyncIterator[StorageProbe]:
        """A probe that also looks every few seconds whether the data is still there."""
        probe = cls(storage, recovery, follower, documents)
        tasks = [asyncio.create_task(one) for one in (probe._watch(), probe._finish_again_and_again())]
        try:
            yield probe
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def try_it(self) -> None:
        """Write and read a little, unless that was done a moment ago. Raises a 503 if it fails."""
        async with self._trying:
            if time.monotonic() - self._tried >= SECONDS_BETWEEN_TRIALS:
                await self._probe(write=True)
                self._tried = time.monotonic()
        if self._failed:
            raise storage_failed()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            # While it fails a look would find nothing: only a trial shows that it works again.
            async with self._trying:
                await self._probe(write=self._failed)

    async def _finish_again_and_again(self) -> None:
        # Apart from the looks: a deletion waits for the end of a turn, or for a search service.
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            if not self._failed:
                await self._finish()

    async def _finish(self) -> None:
        try:
            await self._recovery.settle_again()
            await self._follower.retry_deletions()
            await self._documents.catch_up()
            await self._storage.images.finish_removals()
        except Exception as error:
            log.error("what the storage has cut short cannot be finished: %s", error, exc_info=traceback_of(error))

    async def _probe(self, *, write: bool) -> None:
        try:
            async with asyncio.timeout(SECONDS_OF_A_TRIAL):
                await self._storage.probe(write=write)
        except TimeoutError:
            if not self._failed:
                log.error("the storage has not answered for %g s", SECONDS_OF_A_TRIAL)
            self._failed = True
        except Exception as error:
            if not self._failed:
                log.error("the storage has failed: %s", error, exc_info=traceback_of(error))
            self._failed = True
        else:
            if self._failed:
                log.warning("the storage works again")
            self._failed = False


def storage_failed() -> ServiceError:
    """The answer while nothing can be stored."""
    words = "The storage cannot be used right now. Please try again later; the operator should check the log."
    return ServiceError(503, "storage", words, {"retry-after": "5"})
