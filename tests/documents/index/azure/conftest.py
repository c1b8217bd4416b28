"""An index of its own for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.documents.index.azure.emulated import EmulatedIndex, emulated_index
from tests.harness.emulator import Emulator


@pytest.fixture(scope="module")
def plain() -> Iterator[Emulator]:
    """One search service for all tests that need no script."""
    with Emulator() as served:
        yield served


@pytest.fixture
async def emulated(plain: Emulator, tmp_path: Path) -> AsyncIterator[EmulatedIndex]:
    async with emulated_index(plain, tmp_path) as index:
        yield index
