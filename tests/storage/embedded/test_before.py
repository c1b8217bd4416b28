"""A data folder of the version before: the service goes on with it, and everything reads as it did."""

from __future__ import annotations

import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.harness.api import say, texts
from tests.harness.service import Server
from tests.storage.embedded.folders import ARCHIVE, SETTINGS, USERS, login, settled_views

DATABASES = ("conversation_metadata.db", "mock-langgraph-db.db", "documents.db")


@contextmanager
def started(folder: Path) -> Iterator[tuple[Server, Any]]:
    """A server that has just started on that folder, and what the version before made of it."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    with Server(folder, SETTINGS, data_dir=folder / "data") as server:
        server.auth = login(server.data_dir)
        yield server, orjson.loads((folder / "seen.json").read_bytes())
        assert "Traceback" not in server.log


@pytest.fixture
def before(tmp_path: Path) -> Iterator[tuple[Server, Any]]:
    with started(tmp_path) as both:
        yield both


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Any]]:
    """The same for all that only read."""
    with started(tmp_path_factory.mktemp("before")) as both:
        yield both


def schema(path: Path) -> tuple[Any, ...]:
    with closing(sqlite3.connect(path, timeout=10)) as connection:
        tables = connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name").fetchall()
        return connection.execute("PRAGMA user_version").fetchone(), tables


async def test_everything_reads_as_before(unchanged: tuple[Server, Any]) -> None:
    server, seen = unchanged
    for userid in USERS:
        now, then = await settled_views(server, userid, seen)
        assert now == then
    assert "recovered a turn that its process left: conversation=cut" in server.log


@pytest.mark.slow
async def test_the_next_turns_work(before: tuple[Server, Any]) -> None:
    server, _ = before
    async with server.client() as client:
        stored = await texts(client, "cut")
        assert stored[-1][1].endswith("the fog ")
        await say(client, "Go on", "cut")
        assert await texts(client, "cut") == [*stored, ("user", "Go on"), ("assistant", "You said: Go on")]
        # What was said before is found where it lies now.
        assert "cut" in [row["id"] for row in (await client.get(f"/conversations?q={stored[1][1]}")).json()]
        answer = await say(client, "What do my documents say about the launch of Zephyr?", "unicode")
        assert "Zephyr launches on 14 May 2031" in answer.text
        await client.patch("/conversations/unicode", json={"title": "ÅNGSTRÖM"})
        assert [row["id"] for row in (await client.get("/conversations?q=ångström")).json()] == ["unicode"]
        read = (await client.get("/conversations/edited")).json()
        edit = {"role": "user", "id": read["messages"][0]["id"], "content": "One, edited"}
        assert (await client.post("/chat", json={"id": "edited", "messages": [edit]})).status_code == 200
        expected = [("user", "One, edited"), ("assistant", "You said: One, edited")]
        assert await texts(client, "edited") == expected
        assert (await client.delete("/conversations/painted")).status_code == 204


def test_its_schema_is_that_of_a_new_folder(unchanged: tuple[Server, Any], made: Path) -> None:
    server, _ = unchanged
    for name in DATABASES:
        assert schema(server.data_dir / name) == schema(made / name)
