"""Waiting for what must become true."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx2

LONGEST_PAUSE = 0.15


async def until(found: Callable[[], Awaitable[bool]], within: float = 10.0) -> None:
    """Wait until it is found, and no longer than that."""
    # What takes longer is looked for less often: most looks are requests.
    pause = 0.02
    async with asyncio.timeout(within):
        while not await found():
            await asyncio.sleep(pause)
            pause = min(1.5 * pause, LONGEST_PAUSE)


async def idle(client: httpx2.AsyncClient) -> None:
    """Wait until no turn runs in the process behind this client."""

    async def none() -> bool:
        running: int = (await client.get("/health")).json()["running_turns"]
        return running == 0

    await until(none)
