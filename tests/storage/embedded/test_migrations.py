"""Every schema that there ever was is brought to the newest, with what it holds; a step is taken whole or not."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mockbackend.messages import Part
from mockbackend.storage.embedded import checkpoints, database
from mockbackend.storage.embedded.checkpoints import Checkpoints
from mockbackend.storage.embedded.migrations import MIGRATIONS, _place_images
from mockbackend.storage.embedded.passages import schema as passages
from mockbackend.storage.embedded.sqlite import migrate
from tests.conftest import StartServer
from tests.harness.api import say, texts
from tests.harness.processes import free_port, run
from tests.server.commands import run_here
from tests.storage.contract.acts import message

NEWEST = len(MIGRATIONS)


def schema(path: Path) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY name").fetchall()


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        number: int = connection.execute("PRAGMA user_version").fetchone()[0]
        return number


def old(path: Path, number: int) -> None:
    """A database as schema `number` had it, with a conversation in it."""
    with closing(sqlite3.connect(path)) as connection:
        migrate(connection, MIGRATIONS[:number])
        connection.execute("INSERT INTO conversations (id, userid, is_pinned, created_at) VALUES ('a', 'user-1', 1, 5)")
        connection.commit()


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fresh") / "new.db"
    database.prepare(path)
    return path


@pytest.mark.sampled(4)
@pytest.mark.parametrize("number", range(1, NEWEST + 1))
def test_an_old_schema_becomes_the_newest(tmp_path: Path, fresh: Path, number: int) -> None:
    path = tmp_path / "old.db"
    old(path, number)
    database.prepare(path)
    assert version(path) == version(fresh) == NEWEST
    assert schema(path) == schema(fresh)
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT id, userid, is_pinned, created_at FROM conversations").fetchall()
    assert rows == [("a", "user-1", 1, 5)]


def test_a_running_turn_of_an_old_schema_has_its_user(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    old(path, 5)
    with closing(sqlite3.connect(path)) as connection, connection:
        for conversation_id in ("a", "nowhere"):
            connection.execute(
                "INSERT INTO turns VALUES (?, 't', 'm', 'o', 9, 1, 'data', 2, 1, '[]', '[]', 0, NULL, NULL, NULL)",
                (conversation_id,),
            )
    database.prepare(path)
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT conversation_id, userid, base_length, new_count FROM turns").fetchall()
    assert rows == [("a", "user-1", 2, 1), ("nowhere", "", 2, 1)]


def test_images_of_an_old_schema_have_the_places_that_show_them(tmp_path: Path) -> None:
    path, saver = tmp_path / database.NAME, tmp_path / checkpoints.NAME
    old(path, MIGRATIONS.index(_place_images))
    checkpoints.prepare(saver)
    with closing((stored := Checkpoints(saver)).conn):
        for turn, tokens in enumerate(("first", "again", "first")):
            part: Part = {"type": "picture", "token": tokens}
            stored.write("a", 2 * turn, [message("user", f"t{turn}", "?"), message("assistant", f"t{turn}", "!", part)])
    with closing(sqlite3.connect(path)) as connection, connection:
        for token, maker in (("first", None), ("again", None), ("coming", "somebody"), ("unseen", None)):
            connection.execute(
                "INSERT INTO pictures (token, conversation_id, userid, media_type, created_at, maker) "
                "VALUES (?, 'a', 'user-1', 'image/png', 1, ?)",
                (token, maker),
            )
    database.prepare(path)
    with closing(sqlite3.connect(path)) as connection:
        found = dict(connection.execute("SELECT token, shown_at FROM pictures"))
    assert found == {"first": 1, "again": 3, "coming": None, "unseen": None}


def test_a_table_that_somebody_made_by_hand_is_taken_as_the_first_schema(tmp_path: Path) -> None:
    path = tmp_path / "hand.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(str(MIGRATIONS[0]))
    database.prepare(path)
    assert version(path) == NEWEST


def test_preparing_twice_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "twice.db"
    database.prepare(path)
    before = path.read_bytes()
    database.prepare(path)
    assert path.read_bytes() == before


def test_a_step_that_fails_leaves_the_schema_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "failed.db"
    database.prepare(path)
    before = schema(path)
    broken = "CREATE TABLE made (a); ALTER TABLE none ADD COLUMN b;"
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.OperationalError, match="none"):
        migrate(connection, (*MIGRATIONS, broken))
    assert schema(path) == before
    assert version(path) == NEWEST


@pytest.mark.slow
async def test_the_service_goes_on_with_the_oldest_folder(start_server: StartServer, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    old(folder / "conversation_metadata.db", 1)
    server = start_server(data_dir=folder)
    async with server.client() as client:
        (row,) = (await client.get("/conversations")).json()
        assert (row["id"], row["is_pinned"], row["created_at"], row["updated_at"]) == ("a", True, 5, 5)
        assert await texts(client, "a") == []
        await say(client, "Hello", "a")
        assert await texts(client, "a") == [("user", "Hello"), ("assistant", "You said: Hello")]


def refused(folder: Path) -> str:
    """Start on that folder, which cannot be used; why not."""
    ended = run(["serve"], folder.parent, {"DATA_DIR": str(folder), "PORT": str(free_port())})
    assert ended.returncode == 2, ended.stderr
    return ended.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "newer"), [("conversation_metadata.db", NEWEST + 1), ("documents.db", len(passages.MIGRATIONS) + 1)]
)
def test_a_folder_of_a_newer_version_is_left_alone(tmp_path: Path, name: str, newer: int) -> None:
    path = tmp_path / "data" / name
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {newer}")
    why = "a newer version of this service has written it"
    assert refused(path.parent) == f"DATA_DIR: {path.parent} cannot be used ({why})"
    assert version(path) == newer


@pytest.mark.parametrize("name", ["conversation_metadata.db", "mock-langgraph-db.db", "documents.db"])
def test_a_damaged_folder_is_left_alone(tmp_path: Path, name: str) -> None:
    path = tmp_path / "data" / name
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1000)
    assert refused(path.parent) == f"DATA_DIR: {path.parent} cannot be used ({name}: file is not a database)"
    assert path.read_bytes() == b"no database" * 1000


@pytest.mark.parametrize("title", ["x'fffe'", "CAST(x'fffe41' AS TEXT)"])
def test_a_damaged_title_does_not_stop_the_migration(tmp_path: Path, title: str) -> None:
    path = tmp_path / "old.db"
    old(path, 5)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"UPDATE conversations SET title = {title}")
        connection.commit()
    database.prepare(path)
    assert version(path) == NEWEST


@pytest.mark.parametrize("name", [database.NAME, passages.NAME])
def test_check_leaves_a_folder_of_an_older_version_as_it_is(made: Path, tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(made, tmp_path / "data"))
    with closing(sqlite3.connect(folder / name)) as connection:
        (newest,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute(f"PRAGMA user_version = {newest - 1}")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    checked = run_here(["check"], tmp_path, {"DATA_DIR": str(folder)})
    assert f"{newest - 1} of {newest} migrations; the next start" in checked.stdout, checked.stdout
    assert (checked.returncode, "FAILED" in checked.stdout) == (0, False)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
