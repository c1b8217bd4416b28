"""What a crash left: finished at the start, and in the background where it is much."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ..storage import Storage, traceback_of
from .follow import Follower
from .recovery import Recovery

# Before the first request. A host may have died with thousands of turns.
SECONDS = 1.0
log = logging.getLogger("mockbackend.turn")


@asynccontextmanager
async def finishing(storage: Storage, recovery: Recovery, follower: Follower) -> AsyncIterator[None]:
    """Finish it within the context. Raises what goes wrong at once. Whoever needs a part of it finishes that first."""
    task = asyncio.create_task(_finish(storage, recovery, follower))
    try:
        await asyncio.wait([task], timeout=SECONDS)
        if task.done():
            task.result()
        else:
            log.warning("a crash has left much to finish: it goes on in the background")
            task.add_done_callback(_log_end)
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _finish(storage: Storage, recovery: Recovery, follower: Follower) -> None:
    # Turns first: they may belong to conversations whose deletion was cut short.
    await recovery.recover_all()
    await follower.finish_deletions()
    await storage.images.clean()


def _log_end(task: asyncio.Task[None]) -> None:
    if task.cancelled():
        return
    error = task.exception()
    if isinstance(error, Exception):
        log.error("what a crash left cannot be finished: %s", error, exc_info=traceback_of(error))
    else:
        log.info("what a crash left is finished")
