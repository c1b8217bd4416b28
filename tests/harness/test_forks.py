"""A server that is forked from a preloaded process does what one does that a fresh interpreter runs."""

from __future__ import annotations

import os
import re
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import StartServer
from tests.harness.answers import chat
from tests.harness.service import Server

pytestmark = pytest.mark.slow

STATUS = ("SigBlk", "SigIgn", "SigCgt", "NoNewPrivs")
# What differs with each server, each turn and each moment.
OWN = re.compile(rb"[0-9a-f-]{12,}|\b(msg|call)[-_][\w-]+|\d\d:\d\d:\d\d[.,\d]*\S*|\b\d+ ms|\b\d{4,}\b")
OWN_FOLDER = re.compile(r".*/server\d+/|[0-9a-f]{32}|\d+")
ENV = {"CORS_ALLOW_ORIGINS": "https://one.example", "TZ": "Asia/Tokyo"}


def seen_from_outside(server: Server) -> dict[str, Any]:
    """What the system tells of the process."""
    process = Path(f"/proc/{server.pid}")
    descriptors: list[str] = []
    for path in (process / "fd").iterdir():
        # One may be closed while they are listed.
        with suppress(FileNotFoundError):
            descriptors.append(os.readlink(path))
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    return {
        "cwd": (process / "cwd").readlink() == server.data_dir.parent,
        "leads its session": os.getsid(server.pid) == os.getpgid(server.pid) == server.pid,
        "descriptors": sorted(OWN_FOLDER.sub("", held) for held in descriptors if not held.startswith("socket:")),
        "output": [(process / "fd" / number).readlink() == server.log_path for number in "12"],
        "limits": (process / "limits").read_text(),
        **{name: status[name] for name in STATUS},
    }


async def said(server: Server) -> dict[str, Any]:
    """What it answers, without what is never the same twice."""
    found: dict[str, Any] = {}
    async with server.client() as client:
        answer = await chat(client, {"message": "What time is it in Berlin?"})
        found["answer"] = (answer.codes, answer.status, sorted(answer.headers), OWN.sub(b"", answer.body))
        for path in ("/livez", "/readyz", "/health", "/openapi.json", "/conversations", "/nothing"):
            response = await client.get(path, headers={"origin": "https://one.example"})
            headers = {name: OWN.sub(b"", value.encode()) for name, value in response.headers.items() if name != "date"}
            found[path] = (response.status_code, headers, OWN.sub(b"", response.content))
    return found


async def test_a_forked_server_and_an_executed_one_are_alike(start_server: StartServer) -> None:
    forked, executed = start_server(ENV), start_server(ENV, fresh=True)
    assert seen_from_outside(forked) == seen_from_outside(executed)
    assert await said(forked) == await said(executed)
    assert [server.stop() for server in (forked, executed)] == [0, 0]
    logs = [OWN.sub(b"", server.log.encode()) for server in (forked, executed)]
    assert logs[0] == logs[1]


@pytest.mark.parametrize("fresh", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_how_a_server_has_ended_is_known(start_server: StartServer, fresh: bool) -> None:
    killed = start_server(fresh=fresh)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    # Nothing is sent to whoever has the number of one that has ended.
    killed.signal(signal.SIGTERM)
    with pytest.raises(RuntimeError, match="exited with 2; its output:\nLOG_LEVEL"):
        start_server({"LOG_LEVEL": "loud"}, fresh=fresh)
