"""A data folder moves into PostgreSQL whole, however often the command is killed on the way."""

from __future__ import annotations

import contextlib
import hashlib
import tarfile
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import orjson
import psycopg
import pytest

from mockbackend.messages import Part
from mockbackend.settings import Settings
from mockbackend.storage import FileLimits, Image, Storage
from mockbackend.storage.passages import Passage, Snapshot
from mockbackend.storage.postgres.schema import TABLES
from tests.conftest import StartServer
from tests.documents.waiting import indexed
from tests.harness.api import say
from tests.harness.processes import environment, fork
from tests.server.migrate.conftest import migrated, opened
from tests.storage.contract.acts import ROOM, begun, end, turn_of
from tests.storage.embedded.folders import ARCHIVE, SETTINGS, USERS, login, settled_views


@asynccontextmanager
async def served(start_server: StartServer, env: dict[str, str], data: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a service, which ends with the context."""
    server = start_server(env, data_dir=data)
    async with server.client() as client:
        yield client
    assert server.stop() == 0


@pytest.mark.slow
async def test_a_folder_of_the_version_before_reads_as_it_did(
    start_server: StartServer, url: str, tmp_path: Path
) -> None:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    data, seen = tmp_path / "data", orjson.loads((tmp_path / "seen.json").read_bytes())
    status, lines = await migrated(url, data)
    assert status == 0, lines
    assert ", the generated login; each was read back and is the same" in lines[0]
    server = start_server({**SETTINGS, "DATABASE_URL": url}, data_dir=tmp_path / "unused")
    server.auth = login(data)
    for userid in USERS:
        now, then = await settled_views(server, userid, seen)
        for row in (row for one in (now, then) for shape in ("conversations", "ui") for row in one[shape].values()):
            # No text of PostgreSQL's holds a NUL.
            row["title"] = row["title"].replace("\0", "\ufffd")
        assert now == then
    async with server.client() as client:
        answer = await say(client, "What do my documents say about the launch of Zephyr?", "unicode")
        assert "Zephyr launches on 14 May 2031" in answer.text
    assert not (tmp_path / "unused").exists()


@pytest.mark.slow
async def test_every_answer_of_the_service_is_the_same_byte_for_byte(
    start_server: StartServer, new_url: str, data: Path
) -> None:
    async with served(
        start_server, SETTINGS | {"BACKEND_AUTH_USERNAME": "u", "BACKEND_AUTH_PASSWORD": "p"}, data
    ) as one:
        await say(one, "What time is it?", "a")
        await say(one, "a fox", "b", mode="image")
        chart = {"name": "chart", "id": "1", "data": {"points": [1, None, "ü"]}}
        await one.post("/__mock__/scenarios/default/next", json={"text": "Here.", "data_parts": [chart]})
        assert (await say(one, "a chart", "c")).values("8")
        await one.post("/conversations/a/pin", json={"is_pinned": True})
        await indexed(one, "a.md", b"# Zephyr\n\nIt flies.")
        before = await _bytes(one)
    assert (await migrated(new_url, data, forked=True))[0] == 0
    moved = {"DATABASE_URL": new_url, **SETTINGS, "BACKEND_AUTH_USERNAME": "u", "BACKEND_AUTH_PASSWORD": "p"}
    async with served(start_server, moved, data.parent / "unused") as one:
        assert await _bytes(one) == before


async def _bytes(client: httpx2.AsyncClient) -> dict[str, bytes]:
    """What each GET of the user's things answers."""
    found: dict[str, bytes] = {}
    paths = ["/conversations", "/conversations?q=TIME", "/files"]
    paths += [
        f"/conversations/{row['id']}{query}"
        for row in (await client.get("/conversations")).json()
        for query in ("", "?protocol=ui")
    ]
    paths += [f"/files/{row['id']}{more}" for row in (await client.get("/files")).json() for more in ("", "/content")]
    for path in paths:
        found[path] = (await client.get(path)).content
    images = {
        word
        for content in found.values()
        for word in content.decode().replace(")", '"').split('"')
        if "/images/" in word
    }
    for image in images:
        path = "/images/" + image.rpartition("/")[2]
        found[path] = (await client.get(path)).content
    assert len(found) >= 10
    return found


CONVERSATIONS, DOCUMENTS, PASSAGES = 150, 10, 20
LIMITS = FileLimits(file_bytes=10**7, user_files=100, user_bytes=10**9)


async def filled(data: Path) -> None:
    """Many conversations, some with an image, and documents with vectors."""
    async with opened(Settings(data_dir=data)) as storage:
        for number in range(CONVERSATIONS):
            turn = turn_of(f"turn {number} \0 ü", f"c{number}")
            await begun(storage, turn, title=f"Title \0 {number}")
            parts: list[Part] = []
            if number % 10 == 0:
                image = Image("image/png", bytes([number]) * 300_000)
                parts = [
                    {"type": "picture", "token": await storage.images.put("ann", f"c{number}", image, user_bytes=ROOM)}
                ]
            await end(storage, turn, *parts)
        for number in range(DOCUMENTS):
            upload = storage.files.receive("ann", f"{number}.txt", LIMITS)
            await upload.write(bytes([number]) * 600_000)
            file = await upload.finish("text", "text/plain")
            passages = [Passage(f"passage {one} of {number}", f"page {one}", "Heading") for one in range(PASSAGES)]
            await storage.passages.stage(file.id, "ann", passages)
            if number:
                await storage.passages.embed_with(file.id, "small" if number % 2 else "large")
            vectors = np.random.default_rng(number).normal(size=(PASSAGES, 64)).astype(np.float32)
            await storage.passages.add_vectors(file.id, list(enumerate(vectors)))
            await storage.passages.publish("ann", file.id, file.name)
            job = await storage.file_queue.claim()
            assert job is not None
            assert await storage.file_queue.ready(job.id, PASSAGES)


async def everything(storage: Storage) -> dict[str, Any]:
    """All that the user has stored, as the contract tells it."""
    found: dict[str, Any] = {}
    for row in await storage.conversations.page("ann", limit=1000, after=None, query=""):
        messages = await storage.history.read(row.id)
        tokens = [part["token"] for one in messages for part in one["parts"] if part["type"] == "picture"]
        title = row.title.replace("\0", "\ufffd")
        found[row.id] = (replace(row, title=title), messages, [await storage.images.get(token) for token in tokens])
    for file in await storage.files.listing("ann"):
        content = await storage.files.content("ann", file.id)
        assert content is not None
        digest = hashlib.sha256(b"".join([piece async for piece in content[1].pieces()])).hexdigest()
        passages = [
            (position, passage, vector is not None and vector.tolist())
            for position, passage, vector in await storage.passages.read(file.id, 1000)
        ]
        found[file.id] = (file, digest, passages, await storage.passages.model(file.id))

    def published(snapshot: Snapshot) -> int:
        owner = snapshot.owner("ann")
        return len(snapshot.files(owner[0])) if owner else 0

    found["bytes"] = await storage.spending.stored_bytes("ann")
    found["published"] = await storage.passages.read_snapshot(published)
    return found


@pytest.mark.slow
async def test_it_may_be_killed_again_and_again(url: str, data: Path) -> None:
    data.parent.mkdir(exist_ok=True)
    await filled(data)
    done, kills = 0, 0
    with psycopg.connect(url, autocommit=True) as connection, tempfile.TemporaryFile() as out:
        while done < CONVERSATIONS + DOCUMENTS and kills < 6:
            process = fork(
                ["mockbackend", "migrate", "--from", str(data)], data.parent, environment({"DATABASE_URL": url}), out
            )
            before, deadline = done, time.monotonic() + 60
            # Somewhere behind what was done before, and never at the same place.
            while done < before + 17 and process.poll() is None:
                assert time.monotonic() < deadline
                with contextlib.suppress(psycopg.errors.UndefinedTable):
                    [(done,)] = connection.execute("SELECT count(*) FROM migrated WHERE kind <> 'run'").fetchall()
            process.kill()
            process.wait()
            kills += 1
    assert kills > 3
    assert done < CONVERSATIONS + DOCUMENTS
    status, lines = await migrated(url, data)
    assert status == 0, lines
    status, lines = await migrated(url, data)
    assert lines[0].startswith("copied  0 conversations, 0 messages, 0 images, 0 documents;")
    assert lines[1].startswith(f"before  {CONVERSATIONS + DOCUMENTS} ")
    async with opened(Settings(data_dir=data)) as source, opened(Settings(database_url=url)) as target:
        there = await everything(target)
        here = await everything(source)
    assert len(here) == CONVERSATIONS + DOCUMENTS + 2
    for name, what in here.items():
        assert there[name] == what, name


def test_every_table_is_copied_or_need_not_be() -> None:
    of_running_processes = {"processes", "turns", "turn_logs", "uploads"}
    made_anew = {"migrations", "migrated", "rotations", "postings", "signs", "passage_owners", "exchanges"}
    copied = {
        "service",
        "conversations",
        "messages",
        "images",
        "pieces",
        "files",
        "passage_files",
        "passages",
        "vectors",
    }
    assert set(TABLES) == of_running_processes | made_anew | copied | {"usage"}
