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
    asked, now = asyncio.Event(), asyncio.Event()
    _watch(parent, asked, now)
    if parent is not None:
        parent.report_serving()
    await asked.wait()
    draining = asyncio.ensure_future(drain())
    hurry = asyncio.create_task(now.wait())
    await asyncio.wait({draining, hurry}, return_when=asyncio.FIRST_COMPLETED)
    hurry.cancel()
    if not draining.done():
        draining.cancel()
        config.graceful_timeout = 0.0
    elif (error := draining.exception()) is not None:
        log.error("the drain failed", exc_info=error)


def _watch(parent: Parent | None, asked: asyncio.Event, now: asyncio.Event) -> None:
    """Set `asked` on a signal, and `now` at the end of a worker's lifeline or on a single process's second signal."""
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if asked.is_set() and parent is None:
            now.set()
        asked.set()

    def on_lifeline_end(lifeline: int) -> None:
        loop.remove_reader(lifeline)
        now.set()
        asked.set()

    if parent is not None:
        loop.add_reader(parent.lifeline, on_lifeline_end, parent.lifeline)
    for number in (signal.SIGTERM, signal.SIGINT) if parent is None else (signal.SIGTERM,):
        try:
            loop.add_signal_handler(number, on_signal)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(on_signal))
