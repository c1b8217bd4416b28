"""Workers as they are forked: what they share, how soon one that died is replaced, what is said once."""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest

from tests.conftest import StartServer
from tests.harness.answers import chat
from tests.harness.http_client import PLAIN
from tests.harness.processes import ROOT, environment, free_port, run
from tests.harness.service import Server
from tests.server.workers import clients_by_worker, workers_of

pytestmark = pytest.mark.slow

THREE = {"WEB_CONCURRENCY": "3"}
# 25 MB were the goal; the limits, metrics and traces that came since took half a megabyte, the mock's store another.
MOST_PRIVATE_BYTES = 27 * 1024 * 1024
MOST_SECONDS_TO_REPLACE = 0.5


def private_bytes(pid: int) -> int:
    """Memory that this process shares with no other."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(1024 * int(kib) for kib in re.findall(r"^Private_(?:Clean|Dirty): +(\d+)", rollup, re.MULTILINE))


def open_files(pid: int) -> list[str]:
    return [os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()]


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of three workers with a generated login, as a fresh interpreter starts it."""
    folder = tmp_path_factory.mktemp("three")
    env = {**THREE, "BACKEND_AUTH_USERNAME": "", "BACKEND_AUTH_PASSWORD": ""}
    with Server(folder, env, kind="serve", fresh=True) as server:
        server.auth = ("mock", (server.data_dir / "login").read_text().strip().partition(":")[2])
        yield server


async def test_workers_share_what_they_have_imported(three: Server) -> None:
    async with AsyncExitStack() as stack:
        clients = await clients_by_worker(three, stack, 3)
        for pid, client in clients.items():
            assert private_bytes(pid) <= MOST_PRIVATE_BYTES
            assert (await chat(client, {"message": "Hello"})).codes.endswith("d")
            assert private_bytes(pid) <= MOST_PRIVATE_BYTES


@pytest.mark.parametrize(
    "engine",
    [pytest.param({}, marks=pytest.mark.slow), {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OPENAI_MODEL": "any"}],
)
def test_workers_import_nothing_of_ours_themselves(tmp_path: Path, engine: dict[str, str]) -> None:
    program = """
import asyncio, sys
from mockbackend.server import serve
from mockbackend.settings import load_settings

def loaded():
    # Those that are loaded late are empty before that.
    later = "mockbackend.server.lazy_imports"
    loaders = {name: getattr(module, "__loader__", None) for name, module in sys.modules.items()}
    return {name for name, loader in loaders.items() if type(loader).__module__ != later}

settings = load_settings()
serve.load(settings, "")
before = loaded()

async def start():
    from mockbackend.app import create_app
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        print(*loaded() - before)

asyncio.run(start())
"""
    command = [sys.executable, "-c", program]
    imported = subprocess.check_output(command, cwd=tmp_path, env=environment({**THREE, **engine}), text=True)
    assert [name for name in imported.split() if name.startswith(("mockbackend", "sqlite3", "hypercorn"))] == []


def test_nothing_lives_across_the_fork(three: Server) -> None:
    # The parent is what each worker begins as a copy of.
    assert len(list(Path(f"/proc/{three.pid}/task").iterdir())) == 1
    files = open_files(three.pid)
    assert len([file for file in files if file.startswith("socket:")]) == 1
    assert [file for file in files if str(three.data_dir) in file] == []
    assert [file for file in files if file.startswith("anon_inode:")] == [], "an event loop"


def test_dead_workers_are_replaced_at_once_however_young(start_server: StartServer) -> None:
    server = start_server({"WEB_CONCURRENCY": "2"}, kind="serve", fresh=True)
    took: list[float] = []
    # Other tests may run beside this one, so the best of several counts.
    while len(took) < 3 or (min(took) > MOST_SECONDS_TO_REPLACE and len(took) < 10):
        before = time.monotonic()
        for pid in workers_of(server):
            os.kill(pid, signal.SIGKILL)
        # Nobody else could answer this one. It waits in the socket that the parent keeps.
        assert httpx2.get(f"{server.url}/livez", timeout=10, **PLAIN).status_code == 200
        took.append(time.monotonic() - before)
    assert min(took) <= MOST_SECONDS_TO_REPLACE, took
    assert server.stop() == 0


def test_a_worker_that_cannot_start_is_tried_again_at_once_and_then_slowly() -> None:
    program = """
import socket, sys, time
from mockbackend.server import workers

workers.BACK_OFF = 0.4

def fail(listening, parent):
    print(time.monotonic(), flush=True)
    return 1

sys.exit(workers.Supervisor(1, socket.socket(), fail).run())
"""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, cwd=ROOT, env=environment({}), stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        starts = [float(parent.stdout.readline()) for _ in range(4)]
        parent.send_signal(signal.SIGTERM)
        assert parent.wait(10) == 0
    second, *later = [after - before for before, after in itertools.pairwise(starts)]
    assert second < 0.4
    assert all(waited >= 0.4 for waited in later)


def test_workers_that_never_serve_make_the_parent_give_up(tmp_path: Path) -> None:
    program = """
import logging, os, socket, sys
from mockbackend.server import workers

workers.BACK_OFF = 0.01
logging.basicConfig()
sys.exit(workers.Supervisor(3, socket.socket(), lambda listening, parent: os.abort()).run())
"""
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, cwd=tmp_path, env=environment({}), capture_output=True, text=True, timeout=30)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == (
        "ERROR:mockbackend:no worker could start: 5 ended before they served, the last with status -6"
    )


async def test_the_start_is_announced_once(three: Server) -> None:
    async with AsyncExitStack() as stack:
        killed, *_ = await clients_by_worker(three, stack, 3)
        os.kill(killed, signal.SIGKILL)
        await clients_by_worker(three, stack, 3, gone=frozenset({killed}))
    assert three.log.count("EMULATOR") == 1
    assert three.log.count("No login is configured") == 1


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"MOCK_SCRIPT": "script.yaml"}, "MOCK_SCRIPT: "),
        ({"BACKEND_AUTH_USERNAME": ""}, "BACKEND_AUTH_USERNAME: "),
        ({"DATA_DIR": "script.yaml"}, "DATA_DIR: "),
    ],
)
def test_what_is_wrong_is_reported_once(tmp_path: Path, env: dict[str, str], says: str) -> None:
    (tmp_path / "script.yaml").write_text("rules: 3\n")
    settings = {"BACKEND_AUTH_USERNAME": "u", "BACKEND_AUTH_PASSWORD": "p", "PORT": str(free_port()), **THREE, **env}
    ended = run(["serve"], tmp_path, settings)
    assert ended.returncode == 2
    assert [line.startswith(says) for line in ended.stderr.splitlines() if says in line] == [True], ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_signal_while_the_workers_start_ends_them(tmp_path: Path) -> None:
    with Server(tmp_path, THREE, kind="serve") as server:
        # The others are about to start, or have not served yet.
        assert server.stop() == 0
        assert "Traceback" not in server.log
