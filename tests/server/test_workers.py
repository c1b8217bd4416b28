"""Several workers behind one port: the Procfile's line, a worker that dies, a parent that dies."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest

from tests.conftest import StartServer
from tests.harness.answers import chat
from tests.harness.http_client import PLAIN
from tests.harness.processes import ROOT
from tests.harness.service import Server
from tests.server.workers import clients_by_worker, worker_of

pytestmark = pytest.mark.slow

TWO = {"WEB_CONCURRENCY": "2"}


async def test_the_procfile_continues_a_conversation_in_the_other_worker(start_server: StartServer) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    honcho = [sys.executable, "-m", "honcho", "-f", str(ROOT / "Procfile"), "start", "web"]
    server = start_server({**TWO, "PATH": path}, command=honcho)
    async with AsyncExitStack() as stack:
        one, other = (await clients_by_worker(server, stack, 2)).items()
        begun = await chat(one[1], {"message": {"role": "user", "content": "Hello"}})
        continued = await chat(
            other[1], {"id": begun.conversation_id, "message": {"role": "user", "content": "And again"}}
        )
        assert (await worker_of(one[1]), await worker_of(other[1])) == (one[0], other[0])
        assert continued.conversation_id == begun.conversation_id
        messages = (await one[1].get(f"/conversations/{begun.conversation_id}")).json()["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "user", "assistant"]
    assert begun.text in str(messages[1])
    assert continued.text in str(messages[3])
    # honcho ends with the signal's number, and so does the shell that it starts.
    server.stop()
    assert "Traceback" not in server.log


async def test_a_worker_that_dies_is_replaced_and_the_other_goes_on(start_server: StartServer) -> None:
    server = start_server(TWO, kind="serve")
    async with AsyncExitStack() as stack:
        (killed, _), (kept, client) = (await clients_by_worker(server, stack, 2)).items()
        os.kill(killed, signal.SIGKILL)
        assert await worker_of(client) == kept
        replaced = await clients_by_worker(server, stack, 2, gone=frozenset({killed}))
        assert kept in replaced
    assert f"worker {killed} ended" in server.log
    assert server.stop() == 0


async def test_workers_die_with_their_parent(start_server: StartServer) -> None:
    server = start_server(TWO, kind="serve")
    server.kill()
    deadline = time.monotonic() + 10
    while _listens(server):
        assert time.monotonic() < deadline, server.log
        time.sleep(0.05)  # noqa: ASYNC251


def _listens(server: Server) -> bool:
    try:
        httpx2.get(f"{server.url}/livez", timeout=5, **PLAIN)
    except httpx2.TransportError:
        return False
    return True


@pytest.mark.parametrize("kind", ["hypercorn", "serve"])
def test_one_process_is_one_process(start_server: StartServer, kind: str) -> None:
    server = start_server(kind="serve" if kind == "serve" else "hypercorn")
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children")
    assert children.read_text().split() == []
