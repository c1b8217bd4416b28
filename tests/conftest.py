"""Fixtures of every test: real servers, and clients of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import httpx2
import pytest
from hypothesis import HealthCheck, settings

from tests.harness.service import Kind, Server

# With both cores busy an example takes as long as it takes.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")


class StartServer(Protocol):
    """Starts a server with these settings; it is ended with the test."""

    def __call__(
        self,
        env: Mapping[str, str] | None = None,
        kind: Kind = "hypercorn",
        data_dir: Path | None = None,
        command: list[str] | None = None,
        *,
        fresh: bool = False,
    ) -> Server: ...


@pytest.fixture
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """`start_server(env={...}, kind="serve", data_dir=...)`, as often as a test needs one."""
    with ExitStack() as stack:

        def start(
            env: Mapping[str, str] | None = None,
            kind: Kind = "hypercorn",
            data_dir: Path | None = None,
            command: list[str] | None = None,
            *,
            fresh: bool = False,
        ) -> Server:
            server = Server(tmp_path_factory.mktemp("server"), env, kind, data_dir, command, fresh=fresh)
            stack.callback(server.close)
            return server.start()

        yield start


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server on the emulator for all tests of a module."""
    with Server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
async def client(server: Server) -> AsyncIterator[httpx2.AsyncClient]:
    """A logged-in client of the module's server, as `user-1`."""
    async with server.client() as logged_in:
        yield logged_in
