"""Images on disk, and what a process may have done just before it died."""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from mockbackend.storage import Image, StorageError
from mockbackend.storage.embedded import EmbeddedStorage, sqlite
from tests.storage.contract.acts import ROOM, begun, ran, turn_of

PNG = Image("image/png", b"content")


async def test_an_image_has_one_file_while_it_is_there(storage: EmbeddedStorage, tmp_path: Path) -> None:
    token = await storage.images.put("ann", "c", PNG, user_bytes=ROOM)
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == [token]
    await storage.images.discard([token])
    assert list((tmp_path / "pictures").iterdir()) == []


async def test_a_row_whose_file_is_gone_is_no_image(storage: EmbeddedStorage, tmp_path: Path) -> None:
    token = await storage.images.put("ann", "c", PNG, user_bytes=ROOM)
    (tmp_path / "pictures" / token).unlink()
    assert await storage.images.get(token) is None
    await storage.images.discard([token])
    assert await storage.images.home("ann", token) is None


async def test_an_image_whose_waiter_is_cancelled_leaves_nothing(storage: EmbeddedStorage, tmp_path: Path) -> None:
    task = asyncio.create_task(storage.images.put("ann", "c", PNG, user_bytes=ROOM))
    async with asyncio.timeout(10):
        while not list((tmp_path / "pictures").iterdir()):  # noqa: ASYNC110
            await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list((tmp_path / "pictures").iterdir()) == []
    assert await storage.databases[-1].execute("SELECT * FROM pictures") == []


async def test_an_image_that_cannot_be_written_leaves_nothing(
    storage: EmbeddedStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace)
        with pytest.raises(StorageError, match="No space"):
            await storage.images.put("ann", "c", PNG, user_bytes=ROOM)
    assert list((tmp_path / "pictures").iterdir()) == []
    assert await storage.databases[-1].execute("SELECT * FROM pictures") == []


async def test_what_a_living_process_is_writing_stays(
    storage: EmbeddedStorage, other: EmbeddedStorage, tmp_path: Path
) -> None:
    living, dead = [tmp_path / "pictures" / f"{'t' * 32}.{owner}.part" for owner in (other.liveness.id, "0" * 32)]
    living.touch()
    dead.touch()
    await storage.images.clean()
    assert living.exists()
    assert not dead.exists()


async def test_a_turn_that_began_as_its_process_died_keeps_its_images(
    storage: EmbeddedStorage, other: EmbeddedStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await other.images.put("ann", "c", PNG, user_bytes=ROOM)
    await begun(other, turn_of())
    await storage.databases[-1].execute("UPDATE turns SET over_at = 1")

    def is_alive(owner: str) -> bool:
        """It begins the turn now, and dies."""
        with closing(sqlite3.connect(tmp_path / "conversation_metadata.db", timeout=10)) as connection, connection:
            connection.execute("UPDATE turns SET over_at = NULL")
        return False

    monkeypatch.setattr(storage.liveness, "is_alive", is_alive)
    await storage.images.clean()
    assert await storage.images.get(token) == PNG


def names(folder: Path) -> set[str]:
    """What is in the folder of images."""
    return {path.name for path in (folder / "pictures").iterdir()}


async def tokens(storage: EmbeddedStorage) -> set[str]:
    """What has a row."""
    return {token for (token,) in await storage.databases[-1].execute("SELECT token FROM pictures")}


def full(*arguments: object, **options: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
async def without_deletions(storage: EmbeddedStorage) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """A disk so full that no image's row can be deleted, until this is called."""
    await storage.databases[-1].execute(
        "CREATE TRIGGER no_room BEFORE DELETE ON pictures BEGIN SELECT RAISE(ABORT, 'full'); END"
    )

    async def make_room() -> None:
        await storage.databases[-1].execute("DROP TRIGGER IF EXISTS no_room")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite, "_UNUSABLE", {*sqlite._UNUSABLE, sqlite3.SQLITE_CONSTRAINT})
        yield make_room


async def test_an_image_that_can_be_neither_written_nor_removed_is_removed_later(
    storage: EmbeddedStorage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    without_deletions: Callable[[], Awaitable[None]],
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(StorageError, match="No space"):
            await storage.images.put("ann", "c", PNG, user_bytes=ROOM)
    await storage.images.finish_removals()
    assert len(await tokens(storage)) == 1
    await without_deletions()
    await storage.images.finish_removals()
    assert names(tmp_path) == await tokens(storage) == set()


async def test_an_image_that_could_not_be_discarded_is_removed_later(
    storage: EmbeddedStorage, tmp_path: Path, without_deletions: Callable[[], Awaitable[None]]
) -> None:
    put = [await storage.images.put("ann", "c", PNG, user_bytes=ROOM) for _ in range(2)]
    with pytest.raises(StorageError):
        await storage.images.discard(put)
    await without_deletions()
    await storage.images.finish_removals()
    assert names(tmp_path) == await tokens(storage) == set()


async def test_an_image_that_a_turn_could_not_remove_is_removed_later(
    storage: EmbeddedStorage, tmp_path: Path, without_deletions: Callable[[], Awaitable[None]]
) -> None:
    cut = await storage.images.put("ann", "c", PNG, user_bytes=ROOM)
    await ran(storage, turn_of(), {"type": "picture", "token": cut})
    await ran(storage, turn_of("t2", base_length=0))
    assert await tokens(storage) == {cut}
    await without_deletions()
    await storage.images.finish_removals()
    assert names(tmp_path) == await tokens(storage) == set()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("cancellations", [1, 2])
@pytest.mark.parametrize("hops", range(4))
async def test_an_image_whose_waiter_is_cancelled_at_any_time_leaves_nothing(
    storage: EmbeddedStorage, tmp_path: Path, cancellations: int, hops: int
) -> None:
    task = asyncio.create_task(storage.images.put("ann", "c", PNG, user_bytes=ROOM))
    for _ in range(1 + hops):
        await asyncio.sleep(0)
    for _ in range(cancellations):
        task.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    await storage.images.finish_removals()
    assert names(tmp_path) == await tokens(storage) == set()


async def test_an_image_whose_conversation_is_deleted_meanwhile_leaves_no_file(
    storage: EmbeddedStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ran(storage, turn_of())
    await storage.conversations.hide("ann", "c")
    loop, replace = asyncio.get_running_loop(), os.replace

    def late(source: Path, target: Path) -> None:
        asyncio.run_coroutine_threadsafe(storage.conversations.erase("c"), loop).result(10)
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", late)
        with pytest.raises(StorageError, match="deleted"):
            await storage.images.put("ann", "c", PNG, user_bytes=ROOM)
    assert names(tmp_path) == await tokens(storage) == set()
