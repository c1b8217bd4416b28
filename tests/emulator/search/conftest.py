"""An index of its own for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from azure.search.documents.aio import SearchClient

from tests.emulator.search.clients import VERSION, make, searching
from tests.harness.emulator import Emulator


@pytest.fixture
async def docs(plain: Emulator) -> AsyncIterator[SearchClient]:
    """A client of a new index, which is deleted with the test: a service has few."""
    async with searching(plain, name := await make(plain)) as client:
        yield client
    async with plain.http() as http:
        (await http.delete(f"/indexes('{name}')?api-version={VERSION}")).raise_for_status()
