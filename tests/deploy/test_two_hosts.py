"""Two services over one PostgreSQL behind the real nginx, with the repository's own deploy/nginx-two-hosts.conf."""

from __future__ import annotations

import asyncio
import difflib
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.deploy.nginx import nginx
from tests.harness.api import listed, say
from tests.harness.postgres import postgres
from tests.harness.processes import ROOT, free_port
from tests.harness.service import Server
from tests.harness.waiting import until

CONFIGURATION = "nginx-two-hosts.conf"
SCRIPT = """
rules:
  - text: "One two three four five six seven eight nine ten."
    tokens_per_second: 20
"""


@dataclass(frozen=True)
class Hosts:
    """Both services, and nginx before them."""

    one: Server
    two: Server
    proxy: Server


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    script = tmp_path / "script.yaml"
    script.write_text(SCRIPT)
    env = {"DATABASE_URL": postgres().url(postgres().new_schema()), "MOCK_SCRIPT": str(script), "WEB_CONCURRENCY": "2"}
    with ExitStack() as stack:
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
        one, two = [stack.enter_context(Server(tmp_path / name, env, "serve")) for name in ("one", "two")]
        upstreams = {"one:8000": one.port, "two:8000": two.port}
        yield Hosts(one, two, stack.enter_context(nginx(CONFIGURATION, upstreams)))


@dataclass
class Load:
    """What users who do not stop asking have seen."""

    proxy: Server
    over: bool = False
    seen: Counter[str] = field(default_factory=Counter)
    cut: list[str] = field(default_factory=list)

    async def user(self, name: str) -> None:
        """Chat, read and upload, again and again; each answer is noted by its status."""
        async with self.proxy.client(name) as client:
            turns = 0
            while not self.over:
                body = {"id": name, "message": f"Question {turns}"}
                response = await client.post("/chat", json=body)
                self.seen[f"POST /chat {response.status_code}"] += 1
                if not re.search(r'^d:\{"finishReason":"stop"', response.text, re.MULTILINE):
                    self.cut.append(response.text)
                turns += 1
                read = await client.get(f"/conversations/{name}")
                self.seen[f"GET /conversations {read.status_code}"] += 1
                assert read.json()["message_count"] == 2 * turns
                sent = await client.post("/files", files=[("files", (f"{turns}.txt", f"{name} {turns}".encode()))])
                self.seen[f"POST /files {sent.status_code}"] += 1


async def restart(server: Server) -> None:
    """A rolling restart's step, as the file's head says."""
    assert await asyncio.to_thread(server.stop) == 0
    await asyncio.to_thread(server.start)
    async with server.client() as client:

        async def is_ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        await until(is_ready)


@pytest.mark.slow
async def test_a_rolling_restart_refuses_and_cuts_nothing(hosts: Hosts) -> None:
    load = Load(hosts.proxy)
    users = [asyncio.create_task(load.user(f"user-{number}")) for number in range(6)]
    for server in (hosts.one, hosts.two, hosts.one, hosts.two):
        before = load.seen.total()

        async def goes_on(before: int = before) -> bool:
            return load.seen.total() > before + 20

        await until(goes_on, within=60)
        await restart(server)
    load.over = True
    await asyncio.wait_for(asyncio.gather(*users), 60)
    assert set(load.seen) == {"POST /chat 200", "GET /conversations 200", "POST /files 202"}
    assert load.cut == []


@pytest.mark.slow
async def test_one_host_that_goes_down_is_not_noticed(hosts: Hosts) -> None:
    hosts.one.kill()
    hosts.one.close()
    await meets_nothing(hosts.proxy)


@pytest.mark.slow
async def test_one_host_that_is_down_is_not_noticed(tmp_path: Path) -> None:
    with Server(tmp_path) as two, nginx(CONFIGURATION, {"one:8000": free_port(), "two:8000": two.port}) as proxy:
        await meets_nothing(proxy)


async def meets_nothing(proxy: Server) -> None:
    """Whoever asks often enough to be sent to both hosts meets no trouble."""
    async with proxy.client() as client:
        for number in range(6):
            await say(client, "Hello", f"c{number}")
            # Nobody reads such a file.
            sent = await client.post("/files", files=[("files", ("a.exe", f"MZ {number}".encode()))])
            assert sent.status_code == 202
        assert len(await listed(client)) == 6


async def test_where_nobody_answers_it_is_a_502(tmp_path: Path) -> None:
    with Server(tmp_path) as one, nginx(CONFIGURATION, {"one:8000": one.port, "two:8000": free_port()}) as proxy:
        one.close()
        async with proxy.client() as client:
            response = await client.get("/conversations")
    assert response.status_code == 502


def test_the_two_configurations_differ_in_nothing_but_the_hosts() -> None:
    one, two = [(ROOT / "deploy" / name).read_text().splitlines() for name in ("nginx.conf", CONFIGURATION)]
    changed = [line for line in difflib.ndiff(one, two) if line[0] in "+-" and line[2:].strip()]
    removed = [line[2:].strip() for line in changed if line[0] == "-" and not line[2:].strip().startswith("#")]
    assert removed == ["server 127.0.0.1:8000;"]
    added = {line[2:].strip().split()[0] for line in changed if line[0] == "+" and not line[2:].strip().startswith("#")}
    for_uploads = {"map", "default", '"~^[0-9]{0,7}$"', "location", "error_page", "if", "return", "proxy_pass", "}"}
    for_retries = {"server", "proxy_next_upstream", "proxy_next_upstream_tries", "proxy_connect_timeout"}
    assert added == for_uploads | for_retries
