"""Fixtures of the turn's tests: services on an emulator whose journal can be read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

from tests.harness.emulator import Emulator, emulating
from tests.harness.service import Kind, Server
from tests.harness.world import World
from tests.turn.script import SCRIPT

NewWorld = Callable[..., World]


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One emulator for all of these tests; their prompts tell them apart."""
    with emulating(tmp_path_factory.mktemp("emulator"), SCRIPT) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def world(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One service on it for all tests that need no settings of their own."""
    with Server(tmp_path_factory.mktemp("server"), emulator.settings(image="gpt-image-1")) as server:
        yield World(emulator, server)


@pytest.fixture
async def user(world: World, request: pytest.FixtureRequest) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of that service, an owner of its own."""
    async with world.server.client(f"user of {request.node.name}") as client:
        yield client


@pytest.fixture
def new_world(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewWorld]:
    """`new_world({...}, data_dir=..., script=...)`: a service of its own; an emulator too, for a script."""
    with ExitStack() as stack:

        def start(
            env: Mapping[str, str] | None = None,
            data_dir: Path | None = None,
            script: str | None = None,
            kind: Kind = "hypercorn",
            *,
            fresh: bool = False,
        ) -> World:
            folder = tmp_path_factory.mktemp("world")
            chosen = emulator if script is None else stack.enter_context(emulating(folder, script))
            settings = {**chosen.settings(image="gpt-image-1"), **(env or {})}
            server = Server(folder, settings, kind, data_dir, fresh=fresh)
            stack.callback(server.close)
            return World(chosen, server.start())

        yield start
