"""Finding the worker processes behind one port."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2

from tests.harness.service import Server


async def worker_of(client: httpx2.AsyncClient) -> int:
    """The worker that serves this client, for as long as its connection is kept alive."""
    pid: int = (await client.get("/health")).raise_for_status().json()["pid"]
    return pid


async def clients_by_worker(
    server: Server, stack: AsyncExitStack, count: int, gone: frozenset[int] = frozenset()
) -> dict[int, httpx2.AsyncClient]:
    """A client of each worker, once `count` were seen that are not `gone`.

    The kernel picks who takes a connection, so some are made at once, and then some more.
    """
    found: dict[int, httpx2.AsyncClient] = {}
    async with asyncio.timeout(30):
        while len(found) < count:
            clients = [await stack.enter_async_context(server.client()) for _ in range(2 * count)]
            pids = await asyncio.gather(*map(worker_of, clients), return_exceptions=True)
            found.update(
                (pid, client)
                for pid, client in zip(pids, clients, strict=True)
                if isinstance(pid, int) and pid not in gone
            )
    return found


def workers_of(server: Server) -> list[int]:
    """The worker processes, whether they serve yet or not."""
    return [int(pid) for pid in Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()]
