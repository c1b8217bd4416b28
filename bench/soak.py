"""`python -m bench.soak [--minutes 20] [--seed N]`: random faults for minutes, then check everything.

Every fault of the emulator, clients that abort, stops, joins, deletions, clients that read nothing or speak HTTP/2, a
clock that jumps by an hour, a disk that is full, and now and then a kill -9 of the server, on a few dozen conversations
at once. The second half has no kills; memory and open files are compared before and after.
"""

import argparse
import asyncio
import contextlib
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from bench.procfs import resident_bytes
from bench.soak_ledger import Ledger, Question
from bench.soak_script import CASES, Case, script, whole_answer
from bench.soak_server_faults import ServerFaults, disk
from tests.harness.answers import chat, line
from tests.harness.clock import HOUR, Clock
from tests.harness.data_folder import rows
from tests.harness.emulator import Emulator, emulating
from tests.harness.service import Server
from tests.harness.waiting import idle
from tests.turn.crashing import check_nothing_left, leftovers
from tests.turn.valid import check_conversation, is_incomplete

CONVERSATIONS = 40
AT_ONCE = 12
WARM_UP_SECONDS = 20.0
BATCH_SECONDS = 15.0
# On a busy machine.
START_SECONDS, ANSWER_SECONDS = 180.0, 120.0
LOG_LINES = 40
# What clients of a server meet that has been killed.
GONE = (OSError, httpx2.TransportError)
PLAIN = ("slow", "tool", "paint", "late", "half", "nonsense", "picture")
TABLES = ("conversations", "said", "turns", "pictures", "files", "usage")
SETTINGS = {
    "AZURE_OPENAI_DALLE_DEPLOYMENT_NAME": "dall-e-3",
    "CHAT_TEMPERATURE": "0.5",
    "UPSTREAM_READ_TIMEOUT_SECONDS": "1",
    "UPSTREAM_MAX_WAIT_SECONDS": "1",
    "MAX_IMAGE_BYTES": str(2 * 1024 * 1024),
    "LOG_LEVEL": "INFO",
}


@dataclass
class Soak:
    """A soak in progress, and its counts."""

    server: Server
    emulator: Emulator
    faults: ServerFaults
    ledger: Ledger
    chance: random.Random
    counts: Counter[str] = field(default_factory=Counter)
    number: int = 0
    killed: bool = False

    async def run(self, seconds: float, *, kills: bool) -> None:
        """Cause faults for so long, several at once; with `kills`, kill the server between batches."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            until = time.monotonic() + (min(left, BATCH_SECONDS) if kills else left)
            async with self.server.client("soak") as client:
                client.timeout = httpx2.Timeout(ANSWER_SECONDS)
                workers = [asyncio.create_task(self._work(client, until)) for _ in range(AT_ONCE)]
                workers.append(asyncio.create_task(self.faults.cause(until)))
                if kills:
                    await asyncio.wait(workers, timeout=self.chance.uniform(3, BATCH_SECONDS))
                    self.ledger.note("kill -9")
                    self.killed = True
                    self.server.kill()
                for ended in await asyncio.gather(*workers, return_exceptions=True):
                    if isinstance(ended, BaseException) and not (self.killed and isinstance(ended, GONE)):
                        raise ended
            if kills:
                self.server.start()
                self.killed = False
                self.ledger.note("started again")
                check_nothing_left(self.server)

    async def _work(self, client: httpx2.AsyncClient, until: float) -> None:
        while time.monotonic() < until:
            self.number += 1
            conversation_id = f"soak-{self.chance.randrange(CONVERSATIONS)}"
            case = self.chance.choice(CASES) if self.chance.random() < 0.6 else None
            word = case.word if case else self.chance.choice(PLAIN)
            question, wire = self.ledger.asked(conversation_id, f"{word} {self.number}"), list[str]()
            try:
                await self._disturb(client, case, question, wire)
            except Exception as error:
                self.ledger.note(f"{question.message!r} failed: {error!r}", conversation_id)
                if self.killed and isinstance(error, GONE):
                    return
                error.add_note(f"on the wire: {', '.join(wire)}")
                error.add_note(self.ledger.story(conversation_id, question.message))
                raise

    async def _disturb(
        self, client: httpx2.AsyncClient, case: Case | None, question: Question, wire: list[str]
    ) -> None:
        chance, conversation_id, word = self.chance, question.conversation_id, question.message.split(" ")[0]
        how = (
            chance.choice(("read", "read", "abort", "stop", "resume"))
            if case is None or chance.random() < 0.2
            else "read"
        )
        self.counts[case.kind if case else word] += 1
        self.counts[how] += 1
        body = {
            "id": conversation_id,
            "message": question.message,
            "mode": "image" if word == "picture" or (case and case.mode == "image") else "chat",
            "resumable": how == "resume",
        }
        was_full = self.faults.full

        async def trace(name: str, info: Any) -> None:
            wire.append(f"{name} at {time.monotonic() - self.ledger.began:.3f} s")

        async with client.stream("POST", "/chat", json=body, extensions={"trace": trace}) as response:
            is_full = was_full or self.faults.full
            if response.status_code in (404, 409) or (is_full and response.status_code in (429, 503)):
                # Another worker's turn or deletion is in progress, or nothing can be stored, and what could not be has
                # yet to be settled.
                self.counts[str(response.status_code)] += 1
                return
            assert response.status_code == 200, await response.aread()
            reader = codes(response)
            if how == "read":
                if not await self._read(reader):
                    self.ledger.answered(question)
                return
            limit = chance.uniform(0, 0.5)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limit):
                    async for _ in reader:
                        pass
            if how == "stop":
                stopped = await client.post(f"/conversations/{conversation_id}/stop")
                assert stopped.status_code in (200, 404) or self.faults.full, stopped.text
        if how == "resume":
            async with client.stream("GET", f"/chat/{conversation_id}/stream") as joined:
                if joined.status_code == 200:
                    await self._read(codes(joined))
        if chance.random() < 0.02:
            self.counts["delete"] += 1
            with self.ledger.deleting(conversation_id):
                await client.delete(f"/conversations/{conversation_id}")

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
            for conversation_id in set(self.ledger.owed).difference(row["id"] for row in listed):
                self.ledger.check(conversation_id, [])
            for row in listed:
                read = (await client.get(f"/conversations/{row['id']}")).json()
                self.ledger.check(row["id"], [message["content"] for message in read["messages"][::2]])
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


async def soak(folder: Path, minutes: float, seed: int) -> None:
    """Run a whole soak; an AssertionError says what was wrong. SIGTERM ends it and removes what it has made."""
    if task := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with emulating(folder, script()) as emulator, disk(folder / "disk") as can_fill:
        clock, chance = Clock(folder), random.Random(seed)
        settings = {**emulator.settings(image="gpt-image-1"), **SETTINGS, **clock.settings}
        data = folder / "disk" / "data"
        server = Server(folder, settings, data_dir=data, fresh=True, within=START_SECONDS)
        ledger = Ledger(server.log_path)
        faults = ServerFaults(server, clock, chance, ledger, can_fill)
        one = Soak(server, emulator, faults, ledger, chance)
        try:
            server.start()
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
            counted = {table: rows(data, f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}
            stored = Counter(path.parent.name for path in data.rglob("*") if path.is_file())
        except BaseException:
            print("the end of the server's log:", *server.log.splitlines()[-LOG_LINES:], sep="\n")
            raise
        finally:
            server.close()
    if not can_fill:
        print("no small disk could be mounted here: it was never full")
    print(f"messages that must be there: {sum(map(len, ledger.owed.values()))}")
    print(f"seconds: {time.monotonic() - ledger.began:.0f}; turns asked for: {one.number}")
    one.counts.update(entry.words for entry in ledger.entries if not entry.conversation_id)
    print("done:", _listed(one.counts))
    print(f"running turns: {running}; rows: {_listed(counted)}; files: {_listed(stored)}")
    print(f"open files: {before[0]} before, {after[0]} after")
    print(f"resident: {before[1] / 2**20:.1f} MB before, {after[1] / 2**20:.1f} MB after")
    print(f"tracebacks in the log: {server.log.count('Traceback')}")
    assert (running, counted["turns"]) == (0, 0)
    assert after[0] <= before[0] + 4, "files were left open"
    assert after[1] <= before[1] * 1.25, "memory has grown"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


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
