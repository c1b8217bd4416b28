"""`mockbackend migrate`: a data folder moves into PostgreSQL whole, however often it is killed on the way."""

from __future__ import annotations

import contextlib
import hashlib
import signal
import sqlite3
import tarfile
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import orjson
import psycopg
import pytest

from mockbackend.events import StepStarted, TextDelta, dump
from mockbackend.messages import Part
from mockbackend.settings import Settings
from mockbackend.storage import FileLimits, Image, Spent, Storage, open_storage
from mockbackend.storage.passages import Passage, Snapshot
from mockbackend.storage.postgres.migrations import TABLES
from mockbackend.storage.spending import DAY_MS
from tests.conftest import StartServer
from tests.documents.waiting import indexed, over
from tests.harness.answers import posting
from tests.harness.api import say
from tests.harness.model import Upstream
from tests.harness.postgres import postgres
from tests.harness.processes import environment, fork, run
from tests.harness.waiting import until
from tests.storage.contract.acts import ROOM, SPENT, answer, begun, end, ran, turn_of
from tests.storage.contract.acts import texts as texts_of
from tests.storage.contract.files import made_ready, put
from tests.storage.embedded.folders import ARCHIVE, SETTINGS, USERS, login, views


@pytest.fixture
def url() -> str:
    return postgres().url(postgres().new_schema())


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def migrated(url: str, data: Path) -> tuple[int, list[str]]:
    """Exit status and lines."""
    ran = run(["migrate", "--from", str(data)], data.parent, {"DATABASE_URL": url})
    assert "Traceback" not in ran.stdout + ran.stderr, ran.stderr
    return ran.returncode, ran.stdout.splitlines() + ran.stderr.splitlines()


@asynccontextmanager
async def served(start_server: StartServer, env: dict[str, str], data: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a service, which ends with the context."""
    server = start_server(env, data_dir=data)
    async with server.client() as client:
        yield client
    assert server.stop() == 0


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Storage]:
    storage = await open_storage(settings)
    try:
        yield storage
    finally:
        await storage.close()


def damage(data: Path, name: str, statement: str) -> None:
    with closing(sqlite3.connect(data / name)) as connection, connection:
        assert connection.execute(statement).rowcount > 0


@pytest.mark.slow
async def test_a_folder_of_the_version_before_reads_as_it_did(
    start_server: StartServer, url: str, tmp_path: Path
) -> None:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    data, seen = tmp_path / "data", orjson.loads((tmp_path / "seen.json").read_bytes())
    status, lines = migrated(url, data)
    assert status == 0, lines
    assert ", the generated login; each was read back and is the same" in lines[0]
    server = start_server({**SETTINGS, "DATABASE_URL": url}, data_dir=tmp_path / "unused")
    server.auth = login(data)
    for userid in USERS:
        async with server.client(userid) as client:
            for row in (await client.get("/files")).json():
                await over(client, row)
            now = await views(client)
        # The version before wrote no notices.
        assert all(row.pop("notice") is None for row in now["files"])
        for one in (seen[userid], now):
            for rows in (one["conversations"], one["ui"]):
                # When the interrupted answer was recovered.
                rows.get("cut", {}).pop("updated_at", None)
                for row in rows.values():
                    # No text of PostgreSQL's holds a NUL.
                    row["title"] = row["title"].replace("\0", "\ufffd")
        assert now == seen[userid]
    async with server.client() as client:
        answer = await say(client, "What do my documents say about the launch of Zephyr?", "unicode")
        assert "Zephyr launches on 14 May 2031" in answer.text
    assert not (tmp_path / "unused").exists()


async def test_every_answer_of_the_service_is_the_same_byte_for_byte(
    start_server: StartServer, url: str, data: Path
) -> None:
    async with served(
        start_server, SETTINGS | {"BACKEND_AUTH_USERNAME": "u", "BACKEND_AUTH_PASSWORD": "p"}, data
    ) as one:
        await say(one, "What time is it?", "a")
        await say(one, "a fox", "b", mode="image")
        await one.post("/conversations/a/pin", json={"is_pinned": True})
        await indexed(one, "a.md", b"# Zephyr\n\nIt flies.")
        before = await _bytes(one)
    assert migrated(url, data)[0] == 0
    moved = {"DATABASE_URL": url, **SETTINGS, "BACKEND_AUTH_USERNAME": "u", "BACKEND_AUTH_PASSWORD": "p"}
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
        found[file.id] = (file, digest, passages)

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
    status, lines = migrated(url, data)
    assert status == 0, lines
    status, lines = migrated(url, data)
    assert lines[0].startswith("copied  0 conversations, 0 messages, 0 images, 0 documents;")
    assert lines[1].startswith(f"before  {CONVERSATIONS + DOCUMENTS} ")
    async with opened(Settings(data_dir=data)) as source, opened(Settings(database_url=url)) as target:
        there = await everything(target)
        here = await everything(source)
    assert len(here) == CONVERSATIONS + DOCUMENTS + 2
    for name, what in here.items():
        assert there[name] == what, name


async def test_what_is_damaged_is_reported_and_all_else_moves(url: str, data: Path) -> None:
    async with opened(Settings(data_dir=data)) as storage:
        for name in ("whole", "damaged", "imageless"):
            turn = turn_of(name, name)
            await begun(storage, turn)
            token = await storage.images.put("ann", name, Image("image/png", b"bytes"), user_bytes=ROOM)
            await end(storage, turn, {"type": "picture", "token": token})
        for name in ("lost", "kept"):
            await made_ready(storage, "ann", name.encode())
        (kept, lost) = await storage.files.listing("ann")
    damage(data, "mock-langgraph-db.db", "UPDATE checkpoints SET checkpoint = x'ff' WHERE thread_id = 'damaged'")
    damage(data, "conversation_metadata.db", "UPDATE conversations SET title = x'fffe' WHERE id = 'whole'")
    damage(data, "conversation_metadata.db", "UPDATE pictures SET media_type = '' WHERE conversation_id = 'imageless'")
    with closing(sqlite3.connect(data / "conversation_metadata.db")) as connection:
        [(blob,)] = connection.execute("SELECT blob FROM files WHERE id = ?", (lost.id,)).fetchall()
    (data / "files" / blob).unlink()
    status, lines = migrated(url, data)
    assert status == 1
    assert lines[-1] == "FAILED  not everything is in the database: 3 damaged"
    assert lines[0].startswith("copied  2 conversations, 4 messages, 1 image, 1 document;")
    damaged = [line for line in lines if line.startswith("damaged")]
    assert [line.split(": ")[0] for line in damaged] == [
        "damaged conversation damaged",
        f"damaged image {token} of conversation imageless",
        f"damaged document {lost.id}",
    ]
    async with opened(Settings(database_url=url)) as storage:
        assert {row.id for row in await storage.conversations.page("ann", limit=9, after=None, query="")} == {
            "whole",
            "imageless",
        }
        assert [file.id for file in await storage.files.listing("ann")] == [kept.id]


async def test_each_thing_that_is_damaged_is_said_with_status_1(url: str, data: Path) -> None:
    async with opened(Settings(data_dir=data)) as storage:
        for name in ("whole", "emptied", "shortened", "changed"):
            turn = turn_of(name, name)
            await begun(storage, turn)
            token = await storage.images.put("ann", name, Image("image/png", b"bytes"), user_bytes=ROOM)
            await end(storage, turn, {"type": "picture", "token": token})
        await made_ready(storage, "ann", b"some words")
        (file,) = await storage.files.listing("ann")
        cut = turn_of("cut", "cut")
        await begun(storage, cut)
    damage(data, "mock-langgraph-db.db", "DELETE FROM checkpoints WHERE thread_id = 'emptied'")
    damage(data, "conversation_metadata.db", "UPDATE conversations SET message_count = 4 WHERE id = 'shortened'")
    damage(data, "conversation_metadata.db", "UPDATE turns SET log = x'ff' WHERE turn_id = 'cut'")
    damage(data, "conversation_metadata.db", "INSERT INTO usage VALUES ('ann', 1, 'many', 0, 0, 0)")
    with closing(sqlite3.connect(data / "conversation_metadata.db")) as connection:
        [(blob,)] = connection.execute("SELECT blob FROM files").fetchall()
    (data / "pictures" / token).write_bytes(b"byte")
    (data / "files" / blob).write_bytes(b"SOME WORDS")
    (data / "login").write_text("")
    status, lines = migrated(url, data)
    assert status == 1
    assert [line for line in lines if line.startswith("damaged")] == [
        "damaged conversation cut: the answer that a crash cut cannot be read",
        "damaged conversation emptied: 0 of its 2 messages are there",
        "damaged conversation shortened: 2 of its 4 messages are there",
        f"damaged image {token} of conversation changed: 4 bytes are there, and 5 were stored",
        f"damaged document {file.id}: its bytes are not those that were uploaded",
        "damaged what ann spent on day 1",
        "damaged the generated login: its file is empty",
    ]
    assert "FAILED  not everything is in the database: 7 damaged" in lines
    async with opened(Settings(database_url=url)) as storage:
        rows = await storage.conversations.page("ann", limit=9, after=None, query="")
        assert {row.id for row in rows} == {"whole", "changed", "cut"}


@pytest.mark.parametrize("name", ["conversation_metadata.db", "mock-langgraph-db.db", "documents.db"])
async def test_a_folder_without_one_of_its_databases_is_refused(url: str, data: Path, name: str) -> None:
    async with opened(Settings(data_dir=data)) as storage:
        await ran(storage, turn_of("a", "a"))
    (data / name).write_bytes(b"")
    refusal = f"--from: {data} is damaged: {name} is empty. Put it back, from a backup for example"
    assert migrated(url, data) == (2, [refusal])
    (data / name).unlink()
    status, lines = migrated(url, data)
    if name == "documents.db":
        # It is made again by reading the documents.
        assert (status, lines[0][:35]) == (0, "copied  1 conversation, 2 messages,")
    else:
        assert (status, len(lines)) == (2, 1)
        assert f"it has no {name}" in lines[0]
        assert not (data / name).exists()


async def test_what_is_wrong_with_the_folder_is_said_of_the_folder(url: str, data: Path) -> None:
    async with opened(Settings(data_dir=data)) as storage:
        await ran(storage, turn_of("a", "a"))
    with closing(sqlite3.connect(data / "conversation_metadata.db")) as connection:
        connection.execute("PRAGMA user_version = 999")
    assert migrated(url, data) == (
        2,
        [f"--from: {data} cannot be used (a newer version of this service has written it)"],
    )


async def test_ctrl_c_ends_it_in_a_line(url: str, data: Path) -> None:
    async with opened(Settings(data_dir=data)) as storage:
        await ran(storage, turn_of("a", "a"))
    with tempfile.TemporaryFile() as out:
        with psycopg.connect(url) as held:
            # What it waits for, so that the signal comes while it copies.
            held.execute("CREATE TABLE migrations (number integer)")
            arguments = ["mockbackend", "migrate", "--from", str(data)]
            process = fork(arguments, data.parent, environment({"DATABASE_URL": url}), out)
            try:
                await until(lambda: _waiting(url))
                process.send_signal(signal.SIGINT)
                assert process.wait(30) == 130
            finally:
                process.kill()
        out.seek(0)
        assert out.read().decode() == "FAILED  stopped; run it again, and it goes on where it was\n"


async def _waiting(url: str) -> bool:
    with psycopg.connect(url, autocommit=True) as connection:
        statement = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%migrations%'"
        [(count,)] = connection.execute(statement).fetchall()
    return bool(count)


async def test_the_login_is_said_once(url: str, data: Path) -> None:
    async with opened(Settings(data_dir=data)) as storage:
        await storage.login()
    assert ", the generated login;" in migrated(url, data)[1][0]
    status, lines = migrated(url, data)
    assert (status, lines[0]) == (
        0,
        "copied  0 conversations, 0 messages, 0 images, 0 documents; each was read back and is the same",
    )


async def test_what_the_database_has_already_stays(url: str, data: Path) -> None:
    async with opened(Settings(data_dir=data)) as folder, opened(Settings(database_url=url)) as database:
        await ran(folder, turn_of("ours", "same"))
        await ran(folder, turn_of("ours2", "theirs"))
        await ran(database, turn_of("other", "same"))
        await ran(database, turn_of("other2", "theirs", userid="bob"))
        await put(folder, b"the same words")
        await put(database, b"the same words")
        await folder.login()
        login_there = await database.login()
    status, lines = migrated(url, data)
    assert status == 1
    kept = [line.split(": ")[0] for line in lines if line.startswith("kept")]
    assert [words.split()[1] for words in kept] == ["conversation", "conversation", "document", "the"]
    assert lines[0].startswith("copied  0 conversations, 0 messages, 0 images, 0 documents;")
    assert lines[-1] == "FAILED  not everything is in the database: 4 kept"
    async with opened(Settings(database_url=url)) as database:
        assert await texts_of(database, "same") == ["other?", "other!"]
        assert await texts_of(database, "theirs") == ["other2?", "other2!"]
        assert await database.login() == login_there
        assert len(await database.files.listing("ann")) == 1


async def test_a_second_run_brings_what_is_new_and_nothing_back(url: str, data: Path) -> None:
    async with opened(Settings(data_dir=data)) as folder:
        for name in ("still", "grows", "deleted", "both"):
            await ran(folder, turn_of(name, name))
    assert migrated(url, data)[0] == 0
    async with opened(Settings(data_dir=data)) as folder, opened(Settings(database_url=url)) as database:
        for name in ("grows", "both"):
            await ran(folder, turn_of(f"{name}2", name, base_length=2))
        await ran(folder, turn_of("new", "new"))
        await ran(database, turn_of("there", "both", base_length=2))
        assert await database.conversations.hide("ann", "deleted")
        await database.conversations.erase("deleted")
    status, lines = migrated(url, data)
    assert (status, lines[0][:30]) == (1, "copied  2 conversations, 6 mes")
    assert [line for line in lines if line.startswith("kept")] == [
        "kept    conversation both: it went on in both places"
    ]
    async with opened(Settings(database_url=url)) as database:
        assert await texts_of(database, "grows") == ["grows?", "grows!", "grows2?", "grows2!"]
        assert await texts_of(database, "both") == ["both?", "both!", "there?", "there!"]
        assert await database.conversations.get("ann", "deleted") is None
        assert await texts_of(database, "new") == ["new?", "new!"]


async def test_what_was_spent_moves_once(url: str, data: Path) -> None:
    day = turn_of().started_at // DAY_MS
    async with opened(Settings(data_dir=data)) as folder, opened(Settings(database_url=url)) as database:
        await ran(folder, turn_of("a", "a"))
        await ran(database, turn_of("b", "b"))
    assert migrated(url, data)[0] == 0
    assert migrated(url, data)[0] == 0
    async with opened(Settings(data_dir=data)) as folder, opened(Settings(database_url=url)) as database:
        assert (await database.spending.of_day("ann", day)).turns == 2
        await ran(folder, turn_of("c", "c"))
    assert migrated(url, data)[0] == 0
    async with opened(Settings(database_url=url)) as database:
        assert (await database.spending.of_day("ann", day)).turns == 3


@pytest.mark.parametrize("where", ["folder", "database"])
async def test_it_refuses_while_an_answer_runs(start_server: StartServer, url: str, data: Path, where: str) -> None:
    async with opened(Settings(data_dir=data)) as folder:
        await ran(folder, turn_of("a", "a"))
    async with Upstream() as upstream:
        env = {**upstream.settings, **({"DATABASE_URL": url} if where == "database" else {})}
        server = start_server(env, data_dir=data)
        async with server.client() as client, posting(client, "Hello"):
            call = await upstream.call()
            status, lines = migrated(url, data)
            assert (status, len(lines)) == (1, 1)
            assert lines[0].startswith("FAILED  1 answer is running in ")
            assert lines[0].endswith(": stop every service on it, and run this again")
            call.cut()
        server.stop()
    async with opened(Settings(database_url=url)) as database:
        assert await database.conversations.page("ann", limit=9, after=None, query="") == []
    assert migrated(url, data)[0] == 0


async def test_an_answer_that_a_crash_cut_is_settled_first(url: str, data: Path) -> None:
    async with opened(Settings(data_dir=data)) as folder:
        turn = turn_of("cut", "cut")
        await begun(folder, turn)
        await folder.turns.write_logs([(turn, dump([StepStarted("m"), TextDelta("as far as")]), SPENT)])
    status, lines = migrated(url, data)
    assert (status, lines[0][:44]) == (0, "copied  1 conversation, 2 messages, 0 images")
    async with opened(Settings(database_url=url)) as database:
        assert await texts_of(database, "cut") == ["cut?", "as far as"]


async def test_what_was_spent_and_stored_counts_on(url: str, data: Path) -> None:
    async with opened(Settings(data_dir=data)) as folder:
        token = await folder.images.put("ann", "a", Image("image/png", b"bytes"), user_bytes=ROOM)
        turn = turn_of("a", "a")
        await begun(folder, turn)
        spent = Spent(1, 20, 30, 1)
        await folder.turns.end(turn, answer(turn, {"type": "picture", "token": token}), b"[]", spent)
    for _ in range(2):
        assert migrated(url, data)[0] == 0
        async with opened(Settings(database_url=url)) as database:
            assert await database.spending.of_day("ann", turn.day) == spent
            assert await database.spending.stored_bytes("ann") == 5


def test_every_table_is_copied_or_need_not_be() -> None:
    of_running_processes = {"processes", "turns", "turn_logs", "uploads"}
    made_anew = {"migrations", "migrated", "rotations", "postings", "signs", "passage_owners"}
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


def test_what_is_missing_is_said(url: str, tmp_path: Path) -> None:
    ran = run(["migrate", "--from", str(tmp_path)], tmp_path, {"DATABASE_URL": url})
    assert (ran.returncode, ran.stderr.strip()) == (
        2,
        f"--from: {tmp_path} is not a data folder; it has no conversation_metadata.db",
    )
    ran = run(["migrate", "--from", str(tmp_path)], tmp_path, {})
    assert (ran.returncode, ran.stderr.strip()[:13]) == (2, "DATABASE_URL:")
    assert list(tmp_path.iterdir()) == []
