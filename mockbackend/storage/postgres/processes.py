"""Which processes live: each renews a row of its own, by the database's clock.

A process whose row has run out counts as dead, though it may only have stalled: whatever it writes afterwards names
it, and is refused once another has taken over. Where a process can be looked for on its own host, one that was killed
need not be waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import os
import socket
import time
import uuid
from pathlib import Path

from ...metrics import LEASE_AGE
from ..values import StorageError, traceback_of
from .database import Database

LEASE_SECONDS = 15.0
RENEWAL_SECONDS = 3.0
log = logging.getLogger("mockbackend.storage")


def alive(owner: str) -> str:
    """The SQL condition that the process named by this expression lives."""
    return f"EXISTS (SELECT 1 FROM processes WHERE processes.id = {owner} AND alive_until > now())"


class Processes:
    """This process's row, and what is known of the others."""

    def __init__(self, database: Database) -> None:
        self.id = uuid.uuid4().hex
        self._database = database
        self._renewed = time.monotonic()
        # How often the row may have run out before it was renewed. What was begun before is not surely ours any more.
        self.lapses = 0
        self._task: asyncio.Task[None] | None = None
        self._abandoned = False

    async def start(self) -> None:
        """Write the row and keep it; remove what dead processes have left."""
        await self.renew()
        await self._bury()
        # In an empty context: it works for all requests, not for the one that started it.
        self._task = asyncio.create_task(self._keep(), context=contextvars.Context())

    @property
    def has_lapsed(self) -> bool:
        """Whether the row may have run out: others may take this process's work over."""
        return time.monotonic() - self._renewed > LEASE_SECONDS

    async def bury_if_gone(self, owner: str, host: str | None, pid: int | None, started: str | None) -> bool:
        """Remove the row of a process of this host that does not run any more; returns whether it was so."""
        if owner == self.id or not host or host != _host() or pid is None or _started(pid) == started:
            return False
        await self._database.execute("DELETE FROM processes WHERE id = %s", owner)
        return True

    async def stop(self) -> None:
        """Let the row go, and remove it: others see at once that this process is gone."""
        await self.abandon()
        with contextlib.suppress(StorageError):
            await self._database.execute("DELETE FROM processes WHERE id = %s", self.id)

    async def abandon(self) -> None:
        """Renew the row no more."""
        self._abandoned = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        LEASE_AGE.forget()

    async def _keep(self) -> None:
        # Not only until it is cancelled: that may meet a statement that has just ended, and be lost.
        while not self._abandoned:
            await asyncio.sleep(RENEWAL_SECONDS)
            try:
                await self.renew()
            except Exception as error:
                # Whatever it was: without another try this process would count as dead for ever.
                words = "this process could not renew its row in the database: %s"
                log.warning(words, error, exc_info=traceback_of(error))

    async def renew(self) -> None:
        """Write the row once more."""
        # From before the question: its answer may be late.
        asked = time.monotonic()
        await self._database.execute(
            """INSERT INTO processes (id, host, pid, started, alive_until)
            VALUES (%s, %s, %s, %s, now() + make_interval(secs => %s))
            ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until""",
            *(self.id, _host(), os.getpid(), _started(os.getpid()) or "", LEASE_SECONDS),
            reserved=True,
        )
        # Only now: the wait may have been longer than the lease. Another renewal may have been quicker.
        if self.has_lapsed:
            self.lapses += 1
        self._renewed = max(self._renewed, asked)
        LEASE_AGE.begin(self._renewed)

    async def _bury(self) -> None:
        # Of a process that died long ago nothing is left that names it.
        rows = await self._database.execute(
            """WITH old AS (DELETE FROM processes WHERE alive_until < now() - interval '1 day')
            SELECT id, host, pid, started FROM processes WHERE host = %s""",
            _host(),
        )
        for row in rows:
            await self.bury_if_gone(*row)


def _host() -> str:
    """The machine since its start, and what its pids count in: containers have pids of their own. Else empty."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{socket.gethostname()} {boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _started(pid: int) -> str | None:
    """When the process of that pid was started, by the kernel's count; None if there is no such process.

    A zombie does not count: it has ended.
    """
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if after_name[0] in "ZX" else after_name[19]
