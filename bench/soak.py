"""`python -m bench.soak [--minutes 20] [--seed N]`: random faults for minutes, then check everything.

Every fault of the emulator, clients that abort, stops, joins, deletions, clients that read nothing or speak HTTP/2, a
clock that jumps by an hour, a disk that is full, and now and then a kill -9 of the server, on a few dozen conversations
at once. The second half has no kills; memory and open files are compared before and after.
"""

import argparse
import asyncio
import base64
import contextlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from bench.procfs import resident_bytes
from bench.soak_script import CASES, script, whole_answer
from tests.harness.answers import chat, line
from tests.harness.clock import HOUR, Clock
from tests.harness.data_folder import rows
from tests.harness.emulator import Emulator, emulating
from tests.harness.service import AUTH, Server
from tests.harness.waiting import idle
from tests.turn.crashing import check_nothing_left, leftovers
from tests.turn.valid import check_conversation, is_incomplete

CONVERSATIONS = 40
AT_ONCE = 12
WARM_UP_SECONDS = 20.0
BATCH_SECONDS = 15.0
DISK_BYTES = 256 * 1024 * 1024
SLOW_READERS = 20
LOG_LINES = 40
LOGIN = base64.b64encode(":".join(AUTH).encode()).decode()
H2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5)
PLAIN = ("slow", "tool", "paint", "late", "half", "nonsense", "picture")
SETTINGS = {
    "AZURE_OPENAI_DALLE_DEPLOYMENT_NAME": "dall-e-3",
    "CHAT_TEMPERATURE": "0.5",
    "UPSTREAM_READ_TIMEOUT_SECONDS": "1",
    "UPSTREAM_MAX_WAIT_SECONDS": "1",
    "MAX_IMAGE_BYTES": str(2 * 1024 * 1024),
    "LOG_LEVEL": "WARNING",
}


@dataclass
class Soak:
    """A soak in progress, and its counts."""

    server: Server
    emulator: Emulator
    clock: Clock
    chance: random.Random
    can_fill: bool
    full: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    number: int = 0
    # What was answered to its end in each conversation since it was deleted last, and how often it was.
    told: dict[str, set[str]] = field(default_factory=dict)
    deletions: Counter[str] = field(default_factory=Counter)

    async def run(self, seconds: float, *, kills: bool) -> None:
        """Cause faults for so long, several at once; with `kills`, kill the server between batches."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            until = time.monotonic() + (min(left, BATCH_SECONDS) if kills else left)
            async with self.server.client("soak") as client:
                workers = [asyncio.create_task(self._work(client, until)) for _ in range(AT_ONCE)]
                workers.append(asyncio.create_task(self._shake(until)))
                if kills:
                    await asyncio.wait(workers, timeout=self.chance.uniform(3, BATCH_SECONDS))
                    self.server.kill()
                    self.counts["kill -9"] += 1
                for ended in await asyncio.gather(*workers, return_exceptions=True):
                    if isinstance(ended, BaseException) and not (
                        kills and isinstance(ended, OSError | httpx2.TransportError)
                    ):
                        raise ended
            if kills:
                self.server.start()
                check_nothing_left(self.server)

    async def _work(self, client: httpx2.AsyncClient, until: float) -> None:
        while time.monotonic() < until:
            await self._disturb(client)

    async def _shake(self, until: float) -> None:
        """Disturb the whole server, every few seconds in another way."""
        held: list[socket.socket] = []
        ways = [self._jump, self._offer_h2, self._read_nothing, *([self._fill] if self.can_fill else [])]
        try:
            while time.monotonic() < until:
                await asyncio.sleep(min(self.chance.uniform(1, 4), max(0.0, until - time.monotonic())))
                way = self.chance.choice(ways)
                self.counts[way.__name__.strip("_").replace("_", " ")] += 1
                await way(held)
        finally:
            for client in held:
                client.close()

    async def _jump(self, held: list[socket.socket]) -> None:
        self.clock.jump_to(self.chance.choice((-HOUR, 0, HOUR)))

    async def _offer_h2(self, held: list[socket.socket]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        writer.write(H2_PREFACE)
        async with asyncio.timeout(10):
            assert await reader.read() == b"", "HTTP/2 has been answered"
        writer.close()

    async def _read_nothing(self, held: list[socket.socket]) -> None:
        body = b'{"message": "slow 0", "id": "unread-%d"}' % self.chance.randrange(SLOW_READERS)
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", self.server.port))
        head = f"POST /chat HTTP/1.1\r\nhost: x\r\nauthorization: Basic {LOGIN}\r\nuserid: unread\r\n"
        client.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        held.append(client)
        if len(held) > SLOW_READERS:
            held.pop(0).close()

    async def _fill(self, held: list[socket.socket]) -> None:
        ballast = self.server.data_dir.parent / "ballast"
        self.full = True
        try:
            await asyncio.to_thread(_take_all_room, ballast)
            await asyncio.sleep(1)
        finally:
            ballast.unlink(missing_ok=True)
        await asyncio.sleep(2)
        self.full = False

    async def _disturb(self, client: httpx2.AsyncClient) -> None:
        chance, self.number = self.chance, self.number + 1
        conversation_id = f"soak-{chance.randrange(CONVERSATIONS)}"
        case = chance.choice(CASES) if chance.random() < 0.6 else None
        word = case.word if case else chance.choice(PLAIN)
        how = (
            chance.choice(("read", "read", "abort", "stop", "resume"))
            if case is None or chance.random() < 0.2
            else "read"
        )
        self.counts[case.kind if case else word] += 1
        self.counts[how] += 1
        body = {
            "id": conversation_id,
            "message": f"{word} {self.number}",
            "mode": "image" if word == "picture" or (case and case.mode == "image") else "chat",
            "resumable": how == "resume",
        }
        was_full = self.full
        async with client.stream("POST", "/chat", json=body) as response:
            if response.status_code in (404, 409) or ((was_full or self.full) and response.status_code == 503):
                # Another worker's turn or deletion is in progress, or nothing can be stored.
                self.counts[str(response.status_code)] += 1
                return
            assert response.status_code == 200, await response.aread()
            reader, deletions = codes(response), self.deletions[conversation_id]
            if how == "read":
                errors = await self._read(reader)
                if not errors and deletions == self.deletions[conversation_id]:
                    self.told.setdefault(conversation_id, set()).add(body["message"])
                return
            limit = chance.uniform(0, 0.5)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limit):
                    async for _ in reader:
                        pass
            if how == "stop":
                stopped = await client.post(f"/conversations/{conversation_id}/stop")
                assert stopped.status_code in (200, 404) or self.full, stopped.text
        if how == "resume":
            async with client.stream("GET", f"/chat/{conversation_id}/stream") as joined:
                if joined.status_code == 200:
                    await self._read(codes(joined))
        if chance.random() < 0.02:
            self.counts["delete"] += 1
            self._forget(conversation_id)
            await client.delete(f"/conversations/{conversation_id}")
            # What was asked and answered meanwhile may have gone with it.
            self._forget(conversation_id)

    def _forget(self, conversation_id: str) -> None:
        self.deletions[conversation_id] += 1
        self.told.pop(conversation_id, None)

    async def _read(self, reader: AsyncIterator[str]) -> int:
        """Read to the end; gives the number of errors."""
        seen = "".join([code async for code in reader])
        assert seen.startswith("f"), seen
        assert seen.endswith("d"), f"a stream ended with {seen[-5:]!r}"
        self.counts["3: lines"] += seen.count("3")
        return seen.count("3")

    async def check(self) -> None:
        """Check that every conversation is valid and can continue."""
        async with self.server.client("soak") as client:
            listed = (await client.get("/conversations", params={"limit": 200})).json()
            for row in listed:
                read = (await client.get(f"/conversations/{row['id']}")).json()
                check_conversation(read, whole_answer)
                asked = {message["content"] for message in read["messages"][::2]}
                lost = self.told.get(row["id"], set()) - asked
                assert not lost, f"{row['id']} has lost {sorted(lost)}"
                self.counts["messages"] += read["message_count"]
                self.counts["incomplete"] += sum(map(is_incomplete, read["messages"][1::2]))
                answer = await chat(client, {"id": row["id"], "message": "hello again"})
                assert answer.errors == [], f"{row['id']} cannot be continued: {answer.errors}"
                assert answer.text == "You said: hello again"
            self.counts["conversations"] = len(listed)

    async def rest(self) -> None:
        """Wait until nothing runs and idle connections are closed."""
        async with self.server.client("soak") as client:
            await idle(client)
        await asyncio.sleep(35)
        assert (await self.emulator.journal())["open"] == 0, "a call to the model is left open"


async def codes(response: httpx2.Response) -> AsyncIterator[str]:
    """The codes of a stream's lines; each line must parse."""
    rest = b""
    async for chunk in response.aiter_bytes():
        *whole, rest = (rest + chunk).split(b"\n")
        for raw in whole:
            yield line(raw)[0]


def open_files(pid: int) -> int:
    """The number of open descriptors of a process."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


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


async def soak(folder: Path, minutes: float, seed: int) -> None:
    """Run a whole soak; an AssertionError says what was wrong. SIGTERM ends it and removes what it has made."""
    if task := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with emulating(folder, script()) as emulator, disk(folder / "disk") as can_fill:
        clock = Clock(folder)
        settings = {**emulator.settings(image="gpt-image-1"), **SETTINGS, **clock.settings}
        server = Server(folder, settings, data_dir=folder / "disk" / "data", fresh=True)
        one = Soak(server, emulator, clock, random.Random(seed), can_fill)
        try:
            server.start()
            began = time.monotonic()
            await one.run(minutes * 30, kills=True)
            await one.run(WARM_UP_SECONDS, kills=False)
            await one.rest()
            before = open_files(server.pid), resident_bytes(server.pid)
            await one.run(minutes * 30, kills=False)
            await one.rest()
            after = open_files(server.pid), resident_bytes(server.pid)
            # Past the end of every turn, wherever the clock was then: their rows stay for seconds.
            clock.jump_to(2 * HOUR)
            await one.check()
            check_nothing_left(server)
            assert leftovers(server.data_dir) == []
            async with server.client("soak") as client:
                running = (await client.get("/health")).json()["running_turns"]
            await asyncio.sleep(4)
            turns = rows(server.data_dir, "SELECT count(*) FROM turns")[0][0]
        except BaseException:
            print("the end of the server's log:", *server.log.splitlines()[-LOG_LINES:], sep="\n")
            raise
        finally:
            server.close()
    if not can_fill:
        print("no small disk could be mounted here: it was never full")
    print(f"messages that must be there: {sum(map(len, one.told.values()))}")
    print(f"seconds: {time.monotonic() - began:.0f}")
    print("done:", ", ".join(f"{name} {count}" for name, count in sorted(one.counts.items())))
    print(f"running turns: {running}; rows of turns: {turns}")
    print(f"open files: {before[0]} before, {after[0]} after")
    print(f"resident: {before[1] / 2**20:.1f} MB before, {after[1] / 2**20:.1f} MB after")
    tracebacks = server.log.count("Traceback")
    print(f"tracebacks in the log: {tracebacks}")
    assert (running, turns) == (0, 0)
    assert after[0] <= before[0] + 4, "files were left open"
    assert after[1] <= before[1] * 1.25, "memory has grown"


def main() -> int:
    """Run a soak; a failed check ends it with exit status 1."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-soak-") as folder:
        asyncio.run(soak(Path(folder), chosen.minutes, chosen.seed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
