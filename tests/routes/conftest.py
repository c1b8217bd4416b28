"""A server for all of these tests, and a user for each."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from tests.harness.model import Upstream
from tests.harness.service import Server


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all of these tests that need no settings of their own."""
    with Server(tmp_path_factory.mktemp("routes")) as running:
        yield running


@pytest.fixture(scope="module")
def server(common: Server) -> Server:
    """The common one, unless a module has another. The ids of conversations are everybody's."""
    return common


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[socket.socket, Server]]:
    """Where an engine is expected, and a service that asks it once."""
    with socket.create_server(("127.0.0.1", 0)) as kept:
        address = f"http://127.0.0.1:{kept.getsockname()[1]}/v1"
        settings = {"OPENAI_BASE_URL": address, "OPENAI_API_KEY": "k", "OPENAI_MODEL": "model"}
        with Server(tmp_path_factory.mktemp("driven"), {**settings, "UPSTREAM_MAX_TRIES": "1"}) as running:
            yield kept, running


@pytest.fixture
async def driven(engine: tuple[socket.socket, Server]) -> AsyncIterator[tuple[Upstream, Server]]:
    """An engine that the test drives, and that service."""
    kept, server = engine
    async with Upstream(kept=kept) as upstream:
        yield upstream, server


@pytest.fixture
async def client(server: Server, request: pytest.FixtureRequest) -> AsyncIterator[httpx2.AsyncClient]:
    """A client with a user of its own."""
    async with server.client(request.node.name) as client:
        yield client
