"""`python -m bench.long_reads [--postgres]`: one user reads huge conversations, another waits for a small one.

Eight reads at once of a conversation of 40 MB, and one of 150 MB: how long another user's read of two messages takes
meanwhile, and how much memory the server has more. The clients throw away what they read.
"""

import argparse
import asyncio
import base64
import http.client
import socket
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median

from bench.procfs import resident_bytes
from mockbackend.settings import Settings
from mockbackend.storage import open_storage
from tests.harness.postgres import postgres
from tests.harness.service import AUTH, Server
from tests.storage.contract.acts import message, ran, turn_of

MB = 1024 * 1024
SIZES = (40, 150)
AT_ONCE = {40: 8, 150: 1}
ROUNDS = 5
REST_SECONDS = 2.0
LOGIN = base64.b64encode(":".join(AUTH).encode()).decode()


async def store(settings: Settings) -> None:
    """Conversations of these sizes, of turns of a megabyte each, and one of two messages."""
    storage = await open_storage(settings)
    try:
        await ran(storage, turn_of("t", "small", userid="other"))
        for size in SIZES:
            for number in range(size):
                turn_id = f"{size}-{number}"
                new = [message("user", turn_id, "wörd " * (MB // 6))]
                turn = turn_of(turn_id, str(size), userid="user", base_length=2 * number)
                await ran(storage, replace(turn, new_messages=new))
    finally:
        await storage.close()


def read(port: int, conversation_id: str) -> int:
    """Read a conversation whole and keep nothing of it; returns how many bytes came."""
    head = f"GET /conversations/{conversation_id} HTTP/1.1\r\nhost: here\r\nuserid: user\r\nconnection: close\r\n"
    count, buffer = 0, bytearray(256 * 1024)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"{head}authorization: Basic {LOGIN}\r\n\r\n".encode())
        while got := connection.recv_into(buffer):
            count += got
    return count


class Other:
    """Another user, who reads two messages again and again; the waits are in seconds."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._headers = {"userid": "other", "authorization": f"Basic {LOGIN}"}

    def wait(self) -> float:
        """How long one read takes."""
        began = time.perf_counter()
        self._connection.request("GET", "/conversations/small", headers=self._headers)
        response = self._connection.getresponse()
        response.read()
        if response.status != http.client.OK:
            raise RuntimeError(f"status {response.status}")
        return time.perf_counter() - began


def measured(server: Server, size: int) -> tuple[list[float], int, float, int]:
    """The other's waits while a conversation is read, the most memory beyond before, the seconds, and the bytes."""
    other, counts = Other(server.port), list[int]()
    for _ in range(20):
        other.wait()
    before = most = resident_bytes(server.pid)
    readers = [
        threading.Thread(target=lambda: counts.append(read(server.port, str(size)))) for _ in range(AT_ONCE[size])
    ]
    began, waits = time.perf_counter(), list[float]()
    for reader in readers:
        reader.start()
    while any(reader.is_alive() for reader in readers):
        waits.append(other.wait())
        most = max(most, resident_bytes(server.pid))
        time.sleep(0.002)
    seconds = time.perf_counter() - began
    if len(counts) != AT_ONCE[size] or min(counts) < size * MB:
        raise RuntimeError(f"bytes read: {counts}")
    return waits, most - before, seconds, sum(counts)


def main() -> int:
    """Print a line for each size; the first round, in which nothing is warm, counts as any."""
    parser = argparse.ArgumentParser(prog="python -m bench.long_reads", description=__doc__)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    chosen = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = postgres() if chosen.postgres else None
        url = database.url(database.new_schema()) if database else ""
        asyncio.run(store(Settings(data_dir=folder / "data", database_url=url)))
        env = {"DATABASE_URL": url} if url else {}
        server = stack.enter_context(Server(folder, env, kind="serve", fresh=True))
        for size in SIZES:
            found = []
            for _ in range(chosen.rounds):
                found.append(measured(server, size))
                time.sleep(REST_SECONDS)
            longest = [max(waits) * 1000 for waits, *_ in found]
            print(
                f"{AT_ONCE[size]} of {size} MB at once: the other's longest wait {median(longest):.0f} ms "
                f"(rounds {', '.join(f'{one:.0f}' for one in longest)}), "
                f"median wait {median(wait for waits, *_ in found for wait in waits) * 1000:.1f} ms, "
                f"memory +{max(one[1] for one in found) / MB:.0f} MB, {median(one[2] for one in found):.1f} s"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
