"""A server with small limits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from tests.harness.service import Server
from tests.routes.files.listing import LIMITS


@pytest.fixture(scope="session")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all of these tests."""
    with Server(tmp_path_factory.mktemp("files"), LIMITS) as running:
        yield running


@pytest.fixture(scope="module")
def server(limited: Server) -> Server:
    return limited


@pytest.fixture
async def client(server: Server, request: pytest.FixtureRequest) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a user that no other test has."""
    async with server.client(f"user of {request.node.name}"[:256]) as logged_in:
        yield logged_in
