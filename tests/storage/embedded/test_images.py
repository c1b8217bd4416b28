"""Images on disk, and what a process may have done just before it died."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mockbackend.storage import Image
from mockbackend.storage.embedded import EmbeddedStorage
from tests.storage.contract.acts import begun, turn_of

PNG = Image("image/png", b"content")


async def test_an_image_has_one_file_while_it_is_there(storage: EmbeddedStorage, tmp_path: Path) -> None:
    token = await storage.images.put("ann", "c", PNG)
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == [token]
    await storage.images.discard([token])
    assert list((tmp_path / "pictures").iterdir()) == []


async def test_a_row_whose_file_is_gone_is_no_image(storage: EmbeddedStorage, tmp_path: Path) -> None:
    token = await storage.images.put("ann", "c", PNG)
    (tmp_path / "pictures" / token).unlink()
    assert await storage.images.get(token) is None
    await storage.images.discard([token])
    assert await storage.images.home("ann", token) is None


async def test_a_turn_that_began_as_its_process_died_keeps_its_images(
    storage: EmbeddedStorage, other: EmbeddedStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await other.images.put("ann", "c", PNG)
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
