"""Fixtures of the turn's tests: services on an emulator whose journal can be read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
import pytest

from mockbackend.emulator.app import create_emulator
from mockbackend.emulator.script import load_script
from tests.harness.emulator import Served
from tests.harness.service import Kind, Server
from tests.harness.world import SCRIPT, World, azure

NewWorld = Callable[..., World]


@contextmanager
def emulating(folder: Path, script: str = SCRIPT) -> Iterator[Served]:
    """An emulator with this script."""
    path = folder / "script.yaml"
    path.write_text(script)
    with Served(create_emulator(load_script(path))) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One emulator for all of these tests; their prompts tell them apart."""
    with emulating(tmp_path_factory.mktemp("emulator")) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def world(emulator: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One service on it for all tests that need no settings of their own."""
    with Server(tmp_path_factory.mktemp("server"), azure(emulator), fresh=True) as server:
        yield World(emulator, server)


@pytest.fixture
async def user(world: World, request: pytest.FixtureRequest) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of that service, an owner of its own."""
    async with world.server.client(f"user of {request.node.name}") as client:
        yield client


@pytest.fixture
def new_world(emulator: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewWorld]:
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
            server = Server(folder, {**azure(chosen), **(env or {})}, kind, data_dir, fresh=fresh)
            stack.callback(server.close)
            return World(chosen, server.start())

        yield start
