"""Fixtures of the mock's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx2
import pytest

from tests.emulator.conftest import emulate
from tests.harness.service import Server
from tests.mock.scenario import TWO, Scenario

__all__ = ["emulate"]

MakeScenario = Callable[..., Any]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of the mock, and no others: they see what the default scenario was asked."""
    with Server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="session")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service of two workers; each test has a scenario of its own."""
    with Server(tmp_path_factory.mktemp("workers"), TWO, "serve") as server:
        yield server


@pytest.fixture
async def control(server: Server) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the control API."""
    async with server.client(None) as client:
        yield client


@pytest.fixture
async def scenario(server: Server, request: pytest.FixtureRequest) -> AsyncIterator[Callable[..., Any]]:
    """`await scenario({"rules": [...]}, name=...)` makes a scenario, which goes with the test."""
    async with AsyncExitStack() as stack:

        async def make(script: Any = None, name: str = "", userid: str = "ada") -> Scenario:
            named = name or "".join(char if char.isalnum() else "-" for char in request.node.name)[-100:].lstrip("-.")
            made = Scenario(server, named, userid)
            await stack.enter_async_context(made)
            await made.put(script or {"rules": []})
            return made

        yield make
