"""A store of passages of its own for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mockbackend.storage import Passages
from mockbackend.storage.embedded import open_embedded


@pytest.fixture
async def passages(tmp_path: Path) -> AsyncIterator[Passages]:
    storage = await open_embedded(tmp_path)
    yield storage.passages
    await storage.close()


@pytest.fixture
async def other(passages: Passages, tmp_path: Path) -> AsyncIterator[Passages]:
    """The same passages, opened a second time as by another process."""
    storage = await open_embedded(tmp_path)
    yield storage.passages
    await storage.close()
