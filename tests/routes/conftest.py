"""A user for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.harness.service import Server


@pytest.fixture
async def client(server: Server, request: pytest.FixtureRequest) -> AsyncIterator[httpx2.AsyncClient]:
    """A client with a user of its own."""
    async with server.client(request.node.name) as client:
        yield client
