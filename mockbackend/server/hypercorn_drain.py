"""The drain under plain Hypercorn, which cuts what still runs 3 s after a signal: turns end well before that.

`mockbackend serve` has a better way, which gives them DRAIN_SECONDS.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

SECONDS = 1.5
POLL_SECONDS = 0.1
Drain = Callable[[float], Awaitable[None]]


@asynccontextmanager
async def drain_in_background(drain: Drain, seconds: float) -> AsyncIterator[None]:
    """Call `drain` as soon as Hypercorn is asked to end, with `seconds` or as many as Hypercorn leaves."""
    seconds = min(seconds, SECONDS)
    if (shutdown := _shutdown_event()) is None:
        _chain_sigterm(drain, seconds)
        yield
        return
    watching = asyncio.create_task(_watch(shutdown, drain, seconds))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait([watching])


def _shutdown_event() -> Any:
    """The event by which Hypercorn asks its worker process to end. It is not passed to the app."""
    return getattr(multiprocessing.current_process(), "_kwargs", {}).get("shutdown_event")


async def _watch(shutdown: Any, drain: Drain, seconds: float) -> None:
    while not shutdown.is_set():  # noqa: ASYNC110 - another process sets it
        await asyncio.sleep(POLL_SECONDS)
    await drain(seconds)


def _chain_sigterm(drain: Drain, seconds: float) -> None:
    others = signal.getsignal(signal.SIGTERM)
    if others in (signal.SIG_DFL, signal.SIG_IGN, None) or threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    draining: list[asyncio.Future[None]] = []

    def begin(number: int, frame: object) -> None:
        # The loop's own handler is called through a descriptor, so it runs as well.
        loop.call_soon_threadsafe(lambda: draining.append(asyncio.ensure_future(drain(seconds))))

    signal.signal(signal.SIGTERM, begin)
