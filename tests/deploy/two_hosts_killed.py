"""Two services over one PostgreSQL behind nginx, killed in every way under load, and what must be true afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.deploy.nginx import nginx
from tests.harness.answers import chat, line
from tests.harness.emulator import emulating
from tests.harness.postgres import postgres
from tests.harness.service import Server
from tests.harness.waiting import until
from tests.server.workers import workers_of
from tests.turn.crashing import SCRIPT, whole_answer
from tests.turn.valid import check_conversation, is_incomplete

TALKERS = 8
ASKED = ("speak", "clock", "paint")
# How often each comes; a stall that outlasts the lease comes once, at the end.
DISTURBANCES = {"worker": 10, "service": 5, "stall": 3, "database": 2, "restart": 2}
STALLED_SECONDS = 1.5
LONG_STALLED_SECONDS = 18.0


@dataclass(frozen=True)
class Hosts:
    """Both services with two workers each, nginx before them, and the schema that they share."""

    services: tuple[Server, Server]
    proxy: Server
    schema: str

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        """Rows of the database."""
        with postgres().connect() as connection:
            connection.execute(f"SET search_path = {self.schema}")
            return connection.execute(statement).fetchall()


@contextmanager
def two_hosts(folder: Path) -> Iterator[Hosts]:
    """They run, on a scripted emulator."""
    schema = postgres().new_schema()
    with ExitStack() as stack:
        emulator = stack.enter_context(emulating(folder, SCRIPT))
        env = {
            **emulator.settings(image="gpt-image-1"),
            "DATABASE_URL": postgres().url(schema),
            "WEB_CONCURRENCY": "2",
        }
        services = []
        for name in ("one", "two"):
            (folder / name).mkdir()
            services.append(stack.enter_context(Server(folder / name, env, "serve")))
        one, two = services
        proxy = stack.enter_context(nginx("nginx-two-hosts.conf", {"one:8000": one.port, "two:8000": two.port}))
        yield Hosts((one, two), proxy, schema)


@dataclass
class Talker:
    """One conversation of the load: which of its messages were acknowledged, and which answers ended."""

    id: str
    seed: int
    asked: list[str] = field(default_factory=list)
    unsure: set[str] = field(default_factory=set)
    ended: dict[str, str] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    is_over: bool = False

    async def talk(self, client: httpx2.AsyncClient) -> None:
        """Ask one thing after another."""
        chance, number = random.Random(self.seed), 0
        while not self.is_over:
            number += 1
            message = f"{chance.choice(ASKED)} {self.id} {number}"
            self.unsure.add(message)
            try:
                await self._ask(client, message)
            except httpx2.TransportError:
                self.seen["cut"] += 1

    async def _ask(self, client: httpx2.AsyncClient, message: str) -> None:
        # With an id, as AI SDK's clients send it: nginx may ask another host again.
        sent = {"id": message.replace(" ", "-"), "role": "user", "content": message}
        body = {"id": self.id, "messages": [sent]}
        async with client.stream("POST", "/chat", json=body) as response:
            self.seen[str(response.status_code)] += 1
            if response.status_code != 200:
                assert response.status_code != 400, await response.aread()
                await asyncio.sleep(0.1)
                return
            # The headers come once the message is stored.
            self.asked.append(message)
            rest, said = b"", ""
            async for chunk in response.aiter_bytes():
                *whole, rest = (rest + chunk).split(b"\n")
                for raw in whole:
                    code, value = line(raw)
                    if code == "0":
                        said += value
                    elif code == "3":
                        self.seen[value] += 1
                    elif code == "d" and value["finishReason"] == "stop":
                        self.ended[message] = said

    def check(self, read: Any) -> None:
        """AssertionError unless all that was acknowledged is stored once, and valid."""
        check_conversation(read, whole_answer)
        questions = [message["content"] for message in read["messages"][::2]]
        assert len(set(questions)) == len(questions), f"doubled: {questions}"
        assert [question for question in questions if question in self.asked] == self.asked, "lost or out of order"
        assert set(questions) <= self.unsure
        answers = dict(zip(questions, read["messages"][1::2], strict=True))
        for question, said in self.ended.items():
            assert answers[question]["content"] == said, f"{question!r} had ended with {said!r}"


async def disturb_again_and_again(hosts: Hosts, times: int, seed: int) -> Counter[str]:
    """Disturb them so often under load, and check all that is left. AssertionError where something is wrong."""
    chance = random.Random(seed)
    done: Counter[str] = Counter()
    talkers = [Talker(f"c{number}", chance.randrange(2**32)) for number in range(TALKERS)]
    async with hosts.proxy.client("crash") as client:
        tasks = [asyncio.create_task(talker.talk(client)) for talker in talkers]
        try:
            for _ in range(times):
                await asyncio.sleep(chance.uniform(0.3, 2.0))
                [kind] = chance.choices(list(DISTURBANCES), list(DISTURBANCES.values()))
                await _disturb(hosts, kind, chance, STALLED_SECONDS)
                done[kind] += 1
                assert not any(task.done() for task in tasks)
            await _disturb(hosts, "stall", chance, LONG_STALLED_SECONDS)
            done["long stall"] += 1
        finally:
            for talker in talkers:
                talker.is_over = True
            await asyncio.wait_for(asyncio.gather(*tasks), 60)
        for talker in talkers:
            done.update(talker.seen)
            await _goes_on(client, talker.id)
            read = (await client.get(f"/conversations/{talker.id}")).json()
            assert [message["content"] for message in read["messages"][-2:]] == [f"continue {talker.id}", "Continued."]
            read["messages"], read["message_count"] = read["messages"][:-2], read["message_count"] - 2
            talker.check(read)
            done["messages"] += len(talker.asked)
            done["ended"] += len(talker.ended)
            done["incomplete"] += sum(is_incomplete(message) for message in read["messages"][1::2])
    await until(lambda: _nothing_left(hosts), within=30)
    return done


async def _disturb(hosts: Hosts, kind: str, chance: random.Random, seconds: float) -> None:
    server = chance.choice(hosts.services)
    match kind:
        case "worker":
            os.kill(chance.choice(workers_of(server)), signal.SIGKILL)
        case "service":
            server.close()
            await asyncio.to_thread(server.start)
        case "stall":
            stalled = chance.choice(workers_of(server))
            os.kill(stalled, signal.SIGSTOP)
            await asyncio.sleep(seconds)
            with contextlib.suppress(ProcessLookupError):
                os.kill(stalled, signal.SIGCONT)
        case "database":
            postgres().crash()
        case "restart":
            for one in hosts.services:
                assert await asyncio.to_thread(one.stop) == 0
                await asyncio.to_thread(one.start)


async def _goes_on(client: httpx2.AsyncClient, conversation_id: str) -> None:
    """The conversation continues, at the latest once a lease has run out."""
    async with asyncio.timeout(30):
        while (
            answer := await chat(client, {"id": conversation_id, "message": f"continue {conversation_id}"})
        ).status == 409:
            pass
    assert (answer.status, answer.text, answer.errors) == (200, "Continued.", [])


async def _nothing_left(hosts: Hosts) -> bool:
    """Whether no turn's row, no log and no unsettled image is left."""
    left = ("turns", "turn_logs", "images WHERE maker IS NOT NULL")
    gaps = """SELECT conversation_id FROM messages GROUP BY conversation_id
        HAVING count(*) <> max(position) + 1 OR min(position) <> 0"""
    return hosts.rows(gaps) == [] and all(hosts.rows(f"SELECT 1 FROM {table}") == [] for table in left)
