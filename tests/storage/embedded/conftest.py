"""The engine on SQLite, as two processes have it open on one folder."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mockbackend.storage.embedded import EmbeddedStorage, open_embedded


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that has been opened once: to copy it takes a tenth of the time that it takes to make one."""

    async def make(folder: Path) -> None:
        await (await open_embedded(folder)).close()

    folder = tmp_path_factory.mktemp("made")
    asyncio.run(make(folder))
    return folder


@pytest.fixture
def opened_before(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)


@pytest.fixture
async def storage(opened_before: None, tmp_path: Path) -> AsyncIterator[EmbeddedStorage]:
    opened = await open_embedded(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
async def other(opened_before: None, tmp_path: Path) -> AsyncIterator[EmbeddedStorage]:
    """What another process has open on the same folder."""
    opened = await open_embedded(tmp_path)
    yield opened
    await opened.close()
