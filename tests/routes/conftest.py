"""A server for all of these tests, and a user for each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from tests.harness.service import Server


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all of these tests that need no settings of their own."""
    with Server(tmp_path_factory.mktemp("routes")) as running:
        yield running


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for the tests of one module."""
    with Server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def server(common: Server) -> Server:
    """The common one, unless a module has another. The ids of conversations are everybody's."""
    return common


@pytest.fixture
async def client(server: Server, request: pytest.FixtureRequest) -> AsyncIterator[httpx2.AsyncClient]:
    """A client with a user of its own."""
    async with server.client(request.node.name) as client:
        yield client
