"""How late the event loop is: something in it has taken that long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .series import Histogram

SECONDS_BETWEEN_LOOKS = 1.0


@asynccontextmanager
async def watch_loop(lag: Histogram) -> AsyncIterator[None]:
    """Observe the running loop for as long as the context lasts."""
    task = asyncio.create_task(_watch(lag))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _watch(lag: Histogram) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + SECONDS_BETWEEN_LOOKS
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
        lag.observe(max(0.0, loop.time() - due))
