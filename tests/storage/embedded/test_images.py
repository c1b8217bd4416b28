"""Images on disk, and what a process may have done just before it died."""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mockbackend.storage import Image, StorageError
from mockbackend.storage.embedded import EmbeddedStorage
from tests.storage.contract.acts import ROOM, begun, turn_of

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
