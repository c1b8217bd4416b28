"""`python -m bench.soak [--faults 1000] [--seed N]`: random faults for minutes, then check everything.

Every fault of the emulator, clients that abort, stops, joins, deletions, and now and then a kill -9 of the server, on
a few dozen conversations at once. The second half has no kills; memory and open files are compared before and after.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from bench.procfs import resident_bytes
from bench.soak_script import CASES, script, whole_answer
from tests.harness.answers import chat, line
from tests.harness.data_folder import rows
from tests.harness.emulator import Emulator, emulating
from tests.harness.service import Server
from tests.harness.waiting import idle
from tests.turn.crashing import check_nothing_left, leftovers
from tests.turn.valid import check_conversation, is_incomplete

CONVERSATIONS = 40
AT_ONCE = 12
WARM_UP = 100
KILL_EVERY = 60
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
    chance: random.Random
    counts: Counter[str] = field(default_factory=Counter)
    number: int = 0

    async def run(self, faults: int, *, kills: bool) -> None:
        """Cause faults, several at once; with `kills`, kill the server between batches."""
        left = faults
        while left > 0:
            batch = min(left, KILL_EVERY if kills else left)
            left -= batch
            async with self.server.client("soak") as client:
                queue = iter(range(batch))
                workers = [asyncio.create_task(self._work(client, queue)) for _ in range(AT_ONCE)]
                if kills:
                    await asyncio.wait(workers, timeout=self.chance.uniform(3, 8))
                    self.server.kill()
                    self.counts["kill -9"] += 1
                for ended in await asyncio.gather(*workers, return_exceptions=True):
                    if isinstance(ended, BaseException) and not (kills and isinstance(ended, httpx2.TransportError)):
                        raise ended
            if kills:
                self.server.start()
                check_nothing_left(self.server)

    async def _work(self, client: httpx2.AsyncClient, queue: Any) -> None:
        for _ in queue:
            await self._disturb(client)

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
        async with client.stream("POST", "/chat", json=body) as response:
            if response.status_code in (404, 409):
                # Another worker's turn or deletion is in progress.
                self.counts[str(response.status_code)] += 1
                return
            assert response.status_code == 200, await response.aread()
            reader = codes(response)
            if how == "read":
                await self._read(reader)
                return
            limit = chance.uniform(0, 0.5)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limit):
                    async for _ in reader:
                        pass
            if how == "stop":
                stopped = await client.post(f"/conversations/{conversation_id}/stop")
                assert stopped.status_code in (200, 404), stopped.text
        if how == "resume":
            async with client.stream("GET", f"/chat/{conversation_id}/stream") as joined:
                if joined.status_code == 200:
                    await self._read(codes(joined))
        if chance.random() < 0.02:
            self.counts["delete"] += 1
            await client.delete(f"/conversations/{conversation_id}")

    async def _read(self, reader: AsyncIterator[str]) -> None:
        seen = "".join([code async for code in reader])
        assert seen.startswith("f"), seen
        assert seen.endswith("d"), f"a stream ended with {seen[-5:]!r}"
        self.counts["3: lines"] += seen.count("3")

    async def check(self) -> None:
        """Check that every conversation is valid and can continue."""
        async with self.server.client("soak") as client:
            listed = (await client.get("/conversations", params={"limit": 200})).json()
            for row in listed:
                read = (await client.get(f"/conversations/{row['id']}")).json()
                check_conversation(read, whole_answer)
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


async def soak(folder: Path, faults: int, seed: int) -> None:
    """Run a whole soak; an AssertionError says what was wrong."""
    with emulating(folder, script()) as emulator:
        server = Server(folder, {**emulator.settings(image="gpt-image-1"), **SETTINGS}, fresh=True)
        one = Soak(server, emulator, random.Random(seed))
        try:
            server.start()
            began = time.monotonic()
            await one.run(faults // 2, kills=True)
            await one.run(WARM_UP, kills=False)
            await one.rest()
            before = open_files(server.pid), resident_bytes(server.pid)
            await one.run(faults - faults // 2, kills=False)
            await one.rest()
            after = open_files(server.pid), resident_bytes(server.pid)
            await one.check()
            check_nothing_left(server)
            assert leftovers(server.data_dir) == []
            async with server.client("soak") as client:
                running = (await client.get("/health")).json()["running_turns"]
            await asyncio.sleep(4)
            turns = rows(server.data_dir, "SELECT count(*) FROM turns")[0][0]
        finally:
            server.close()
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
    parser.add_argument("--faults", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-soak-") as folder:
        asyncio.run(soak(Path(folder), chosen.faults, chosen.seed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
