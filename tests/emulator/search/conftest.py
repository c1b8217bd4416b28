"""An index of its own for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from azure.search.documents.aio import SearchClient

from tests.emulator.search.clients import (
    definition,
    managing,
    numbers,
    searching,
)
from tests.harness.emulator import Emulator


@pytest.fixture
async def docs(plain: Emulator) -> AsyncIterator[SearchClient]:
    """A client of a new index, which is deleted with the test."""
    name = f"docs-{next(numbers)}"
    async with managing(plain) as indexes, searching(plain, name) as client:
        await indexes.create_or_update_index(definition(name))
        yield client
        await indexes.delete_index(name)
