"""What disturbs a whole server in a soak: its clock jumps, its disk is full, clients read nothing or offer HTTP/2."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import random
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.soak_ledger import Ledger
from tests.harness.clock import HOUR, Clock
from tests.harness.service import AUTH, Server

DISK_BYTES = 256 * 1024 * 1024
SLOW_READERS = 20
# After there is room again: until all that could not be stored is settled, on a busy machine.
SETTLE_SECONDS = 15.0
LOGIN = base64.b64encode(":".join(AUTH).encode()).decode()
H2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5)


@dataclass
class ServerFaults:
    """The faults of one server. `full` while nothing may be storable there, or is yet to be settled."""

    server: Server
    clock: Clock
    chance: random.Random
    ledger: Ledger
    can_fill: bool
    full: bool = False
    _unread: list[socket.socket] = field(default_factory=list)

    async def cause(self, until: float) -> None:
        """Disturb the server every few seconds in another way."""
        ways = [self._jump, self._offer_h2, self._read_nothing, *([self._fill] if self.can_fill else [])]
        try:
            while time.monotonic() < until:
                await asyncio.sleep(min(self.chance.uniform(1, 4), max(0.0, until - time.monotonic())))
                await self.chance.choice(ways)()
        finally:
            while self._unread:
                self._unread.pop().close()

    async def _jump(self) -> None:
        seconds = self.chance.choice((-HOUR, 0, HOUR))
        self.ledger.note(f"clock {seconds:+} s")
        self.clock.jump_to(seconds)

    async def _offer_h2(self) -> None:
        self.ledger.note("HTTP/2 offered")
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        writer.write(H2_PREFACE)
        async with asyncio.timeout(30):
            assert await reader.read() == b"", "HTTP/2 has been answered"
        writer.close()

    async def _read_nothing(self) -> None:
        self.ledger.note("slow reader")
        body = b'{"message": "slow 0", "id": "unread-%d"}' % self.chance.randrange(SLOW_READERS)
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", self.server.port))
        head = f"POST /chat HTTP/1.1\r\nhost: x\r\nauthorization: Basic {LOGIN}\r\nuserid: unread\r\n"
        client.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        self._unread.append(client)
        if len(self._unread) > SLOW_READERS:
            self._unread.pop(0).close()

    async def _fill(self) -> None:
        ballast = self.server.data_dir.parent / "ballast"
        self.full = True
        self.ledger.note("disk full")
        try:
            await asyncio.to_thread(_take_all_room, ballast)
            await asyncio.sleep(1)
        finally:
            ballast.unlink(missing_ok=True)
        self.ledger.note("disk has room")
        await asyncio.sleep(SETTLE_SECONDS)
        self.full = False


def _take_all_room(ballast: Path) -> None:
    with ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


@contextlib.contextmanager
def disk(folder: Path) -> Iterator[bool]:
    """A small file system in that folder; gives whether one could be mounted, which takes root."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
