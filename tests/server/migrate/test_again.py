"""The command run again, and a database that has something already."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockbackend.settings import Settings
from mockbackend.storage import Image, Spent
from mockbackend.storage.spending import DAY_MS
from tests.server.migrate.conftest import migrated, opened
from tests.storage.contract.acts import ROOM, answer, begun, ran, turn_of
from tests.storage.contract.acts import texts as texts_of
from tests.storage.contract.files import put


async def test_the_login_is_said_once(url: str, data: Path) -> None:
    async with opened(Settings(data_dir=data)) as storage:
        await storage.login()
    assert ", the generated login;" in (await migrated(url, data))[1][0]
    status, lines = await migrated(url, data)
    assert (status, lines[0]) == (
        0,
        "copied  0 conversations, 0 messages, 0 images, 0 documents; each was read back and is the same",
    )


@pytest.mark.slow
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
    status, lines = await migrated(url, data)
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
    assert (await migrated(url, data))[0] == 0
    async with opened(Settings(data_dir=data)) as folder, opened(Settings(database_url=url)) as database:
        for name in ("grows", "both"):
            await ran(folder, turn_of(f"{name}2", name, base_length=2))
        await ran(folder, turn_of("new", "new"))
        await ran(database, turn_of("there", "both", base_length=2))
        assert await database.conversations.hide("ann", "deleted")
        await database.conversations.erase("deleted")
    status, lines = await migrated(url, data)
    assert (status, lines[0][:30]) == (1, "copied  2 conversations, 6 mes")
    assert [line for line in lines if line.startswith("kept")] == [
        "kept    conversation both: it went on in both places"
    ]
    async with opened(Settings(database_url=url)) as database:
        assert await texts_of(database, "grows") == ["grows?", "grows!", "grows2?", "grows2!"]
        assert await texts_of(database, "both") == ["both?", "both!", "there?", "there!"]
        assert await database.conversations.get("ann", "deleted") is None
        assert await texts_of(database, "new") == ["new?", "new!"]


@pytest.mark.slow
async def test_what_was_spent_moves_once(url: str, data: Path) -> None:
    day = turn_of().started_at // DAY_MS
    async with opened(Settings(data_dir=data)) as folder, opened(Settings(database_url=url)) as database:
        await ran(folder, turn_of("a", "a"))
        await ran(database, turn_of("b", "b"))
    assert (await migrated(url, data))[0] == 0
    assert (await migrated(url, data))[0] == 0
    async with opened(Settings(data_dir=data)) as folder, opened(Settings(database_url=url)) as database:
        assert (await database.spending.of_day("ann", day)).turns == 2
        await ran(folder, turn_of("c", "c"))
    assert (await migrated(url, data))[0] == 0
    async with opened(Settings(database_url=url)) as database:
        assert (await database.spending.of_day("ann", day)).turns == 3


@pytest.mark.slow
async def test_what_was_spent_and_stored_counts_on(url: str, data: Path) -> None:
    async with opened(Settings(data_dir=data)) as folder:
        token = await folder.images.put("ann", "a", Image("image/png", b"bytes"), user_bytes=ROOM)
        turn = turn_of("a", "a")
        await begun(folder, turn)
        spent = Spent(1, 20, 30, 1)
        await folder.turns.end(turn, answer(turn, {"type": "picture", "token": token}), b"[]", spent)
    for _ in range(2):
        assert (await migrated(url, data))[0] == 0
        async with opened(Settings(database_url=url)) as database:
            assert await database.spending.of_day("ann", turn.day) == spent
            assert await database.spending.stored_bytes("ann") == 5
