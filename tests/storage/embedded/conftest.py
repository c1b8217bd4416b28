"""The engine on SQLite, as two processes have it open on one folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mockbackend.storage.embedded import EmbeddedStorage, open_embedded


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[EmbeddedStorage]:
    opened = await open_embedded(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
async def other(tmp_path: Path) -> AsyncIterator[EmbeddedStorage]:
    """What another process has open on the same folder."""
    opened = await open_embedded(tmp_path)
    yield opened
    await opened.close()
