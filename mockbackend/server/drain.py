"""When to end a process of `mockbackend serve`: after a drain that a signal begins, or at once.

Plain Hypercorn stops listening at once and cuts streams after three seconds. Here the port stays open while the app
drains, and only then does Hypercorn hear of the end. Which signal does what is explained in `workers`.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable

from hypercorn.config import Config

from .workers import Parent

log = logging.getLogger("mockbackend")

Drain = Callable[[], Awaitable[None]]


async def until_drained(config: Config, drain: Drain, parent: Parent | None) -> None:
    """Return when Hypercorn should end. It calls this once it takes connections."""
    drain_requested, end_requested = asyncio.Event(), asyncio.Event()
    _watch(parent, drain_requested, end_requested)
    if parent is not None:
        parent.report_serving()
    await drain_requested.wait()
    draining = asyncio.ensure_future(drain())
    waiting = asyncio.create_task(end_requested.wait())
    await asyncio.wait({draining, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not draining.done():
        draining.cancel()
        config.graceful_timeout = 0.0
    elif (error := draining.exception()) is not None:
        log.error("the drain failed", exc_info=error)


def _watch(parent: Parent | None, drain_requested: asyncio.Event, end_requested: asyncio.Event) -> None:
    """Set the first on a signal, the second at the end of a worker's lifeline or on a single process's next signal."""
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if drain_requested.is_set() and parent is None:
            end_requested.set()
        drain_requested.set()

    def on_lifeline_end(lifeline: int) -> None:
        loop.remove_reader(lifeline)
        end_requested.set()
        drain_requested.set()

    if parent is not None:
        loop.add_reader(parent.lifeline, on_lifeline_end, parent.lifeline)
    for number in (signal.SIGTERM, signal.SIGINT) if parent is None else (signal.SIGTERM,):
        try:
            loop.add_signal_handler(number, on_signal)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(on_signal))
