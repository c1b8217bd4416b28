"""The data folder: opened by several processes at once, read with sqlite3, small, and reset by removing it."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import StartServer
from tests.harness.answers import chat
from tests.harness.api import say, texts
from tests.harness.processes import environment, fork
from tests.harness.service import Server

OPENING = "tests.storage.embedded.opening"


def rows(path: Path, statement: str) -> list[tuple[Any, ...]]:
    """What another program reads, while the service runs."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as connection:
        return connection.execute(statement).fetchall()


async def test_a_new_folder_and_all_in_it_are_its_owners_alone(start_server: StartServer) -> None:
    # One that is forked would find its folder made.
    server = start_server(fresh=True)
    async with server.client("private") as client:
        await say(client, "Hello", "private")
        await chat(client, {"message": "a fox", "mode": "image"})
        assert (await client.post("/files", files={"files": ("a.txt", b"A lamp.")})).status_code == 202
    assert server.data_dir.stat().st_mode & 0o777 == 0o700
    paths = list(server.data_dir.rglob("*"))
    assert {"files", "pictures", "conversation_metadata.db"} <= {path.name for path in paths}
    assert [path for path in paths if path.stat().st_mode & 0o077] == []
    assert "chmod" not in server.log


@pytest.mark.slow
def test_a_folder_that_others_can_enter_is_reported_once(start_server: StartServer, tmp_path: Path) -> None:
    folder = tmp_path / "open to all"
    folder.mkdir(mode=0o755)
    server = start_server({"WEB_CONCURRENCY": "2"}, kind="serve", data_dir=folder)
    assert server.log.count("DATA_DIR: other users of this machine can enter") == 1
    assert f"chmod 700 {folder}" in server.log


def test_nobody_who_reads_waits_for_a_writer(server: Server) -> None:
    for name in ("conversation_metadata.db", "mock-langgraph-db.db", "documents.db"):
        assert rows(server.data_dir / name, "PRAGMA journal_mode") == [("wal",)], name


@pytest.mark.slow
def test_processes_that_open_a_new_folder_at_once_all_succeed(tmp_path: Path) -> None:
    folder, gate, log = tmp_path / "made" / "here", tmp_path / "gate", tmp_path / "log"
    os.mkfifo(gate)
    holding = os.open(gate, os.O_RDWR)
    with log.open("ab") as out:
        processes = [
            fork([OPENING, str(folder), f"c{number}", str(gate)], tmp_path, environment({}), out) for number in range(4)
        ]
    deadline = time.monotonic() + 30
    while log.read_text().count("ready") < 4:
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.01)
    os.close(holding)
    assert [process.wait(30) for process in processes] == [0] * 4, log.read_text()
    found = rows(folder / "conversation_metadata.db", "SELECT id FROM conversations ORDER BY id")
    assert found == [("c0",), ("c1",), ("c2",), ("c3",)]
    assert list((folder / "alive").iterdir()) == []


async def test_the_conversations_table_reads_well(server: Server) -> None:
    async with server.client("reader") as client:
        await say(client, "Grüße aus Köln", "read")
        await client.post("/conversations/read/pin", json={"is_pinned": True})
        (row,) = (await client.get("/conversations")).json()
    path = server.data_dir / "conversation_metadata.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        (found,) = connection.execute("SELECT * FROM conversations WHERE userid = 'reader'").fetchall()
    assert list(found.keys())[:4] == ["id", "userid", "is_pinned", "created_at"]
    stored = {
        "userid": "reader",
        "is_pinned": 1,
        "deleted_at": None,
        "is_waiting": 0,
        "casefolded_title": "grüsse aus köln",
        "version": 1,
    }
    assert dict(found) == {**row, **stored}
    kinds = {name: (kind, strict) for _, name, kind, strict, *_ in rows(path, "PRAGMA table_info(conversations)")}
    assert kinds["id"] == ("TEXT", 0)
    assert kinds["userid"] == ("TEXT", 1)
    assert kinds["is_pinned"] == ("BOOLEAN", 0)
    assert kinds["created_at"] == ("INTEGER", 1)


@pytest.mark.slow
async def test_a_thread_has_two_checkpoints_and_a_row_a_turn_however_long_it_is(server: Server) -> None:
    path = server.data_dir / "mock-langgraph-db.db"
    async with server.client("thread") as client:
        for number in range(6):
            await say(client, f"What time is it in Oslo? {number}", "thread")
        await chat(client, {"id": "thread", "message": "A fox", "mode": "image"})
        assert len(await texts(client, "thread")) == 14
    assert rows(path, "SELECT count(*) FROM checkpoints WHERE thread_id = 'thread'") == [(2,)]
    assert rows(path, "SELECT idx FROM writes WHERE thread_id = 'thread'") == [(2 * n,) for n in range(1, 7)]


@pytest.mark.slow
async def test_a_long_conversation_is_stored_once(server: Server) -> None:
    """Twenty turns of 2 kB: the usual set-up keeps each of them in every checkpoint after it."""
    path = server.data_dir / "mock-langgraph-db.db"
    async with server.client("long") as client:
        for number in range(20):
            await say(client, f"{number} " + "word " * 200, "long")
    query = """SELECT sum(length(checkpoint)) + (SELECT sum(length(value)) FROM writes WHERE thread_id = 'long')
        FROM checkpoints WHERE thread_id = 'long'"""
    ((size,),) = rows(path, query)
    assert 40_000 < size < 80_000


@pytest.mark.slow
async def test_removing_the_folder_is_a_full_reset(start_server: StartServer, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    server = start_server(data_dir=folder)
    async with server.client() as client:
        await say(client, "Hello", "mine")
    # The proof of life of the one that runs is all that there is, and it goes with it.
    assert len(list((folder / "alive").iterdir())) == 1
    server.stop()
    assert list((folder / "alive").iterdir()) == []
    shutil.rmtree(folder)
    again = start_server(data_dir=folder)
    async with again.client("user-2") as client:
        assert (await client.get("/conversations")).json() == []
        await say(client, "Mine now", "mine")


@pytest.mark.slow
async def test_turns_of_many_conversations_at_once_are_all_stored(server: Server) -> None:
    async with server.client("many") as client:
        await asyncio.gather(*(say(client, f"Hello {number}", f"many-{number}") for number in range(15)))
        for number in range(15):
            user, assistant = await texts(client, f"many-{number}")
            assert user == ("user", f"Hello {number}")
            assert assistant == ("assistant", f"You said: Hello {number}")
    assert "locked" not in server.log
