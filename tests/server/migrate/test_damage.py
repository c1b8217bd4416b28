"""What is damaged in a data folder or missing is said, and all else moves."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mockbackend.settings import Settings
from mockbackend.storage import Image
from tests.harness.processes import run
from tests.server.migrate.conftest import migrated, opened
from tests.storage.contract.acts import ROOM, begun, end, ran, turn_of
from tests.storage.contract.files import made_ready


def damage(data: Path, name: str, statement: str) -> None:
    with closing(sqlite3.connect(data / name)) as connection, connection:
        assert connection.execute(statement).rowcount > 0


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
    status, lines = await migrated(url, data)
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
    damage(data, "conversation_metadata.db", "INSERT INTO usage VALUES ('ann', 1, 'many', 0, 0, 0, 0)")
    with closing(sqlite3.connect(data / "conversation_metadata.db")) as connection:
        [(blob,)] = connection.execute("SELECT blob FROM files").fetchall()
    (data / "pictures" / token).write_bytes(b"byte")
    (data / "files" / blob).write_bytes(b"SOME WORDS")
    (data / "login").write_text("")
    status, lines = await migrated(url, data)
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
    assert await migrated(url, data) == (2, [refusal])
    (data / name).unlink()
    status, lines = await migrated(url, data)
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
    assert await migrated(url, data) == (
        2,
        [f"--from: {data} cannot be used (a newer version of this service has written it)"],
    )


def test_what_is_missing_is_said(url: str, tmp_path: Path) -> None:
    ran = run(["migrate", "--from", str(tmp_path)], tmp_path, {"DATABASE_URL": url})
    assert (ran.returncode, ran.stderr.strip()) == (
        2,
        f"--from: {tmp_path} is not a data folder; it has no conversation_metadata.db",
    )
    ran = run(["migrate", "--from", str(tmp_path)], tmp_path, {})
    assert (ran.returncode, ran.stderr.strip()[:13]) == (2, "DATABASE_URL:")
    assert list(tmp_path.iterdir()) == []
