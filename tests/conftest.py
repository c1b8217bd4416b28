"""Fixtures of every test: real servers, and clients of them."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import httpx2
import pytest

from mockbackend.server.lazy_imports import defer
from mockbackend.server.unused import UNUSED
from tests.harness.examples import register_profiles
from tests.harness.processes import Limits, start_preloading
from tests.harness.service import Kind, Server

register_profiles()
if REMOVE := os.environ.pop("TESTS_REMOVE", None):
    # After all that is done at the end, since that was registered later.
    atexit.register(shutil.rmtree, REMOVE, ignore_errors=True)
# As `serve` does, and for its reason: each process that runs tests imports what all of them import.
defer(UNUSED)
# Collecting the tests makes no garbage, and looking for some would be half of it.
gc.disable()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Let one process that forks servers, for all that run tests, import while these are collected."""
    if session.config.option.workers:
        start_preloading()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave to the whole run the rows of a table marked `sampled(n)` that the quick run does not take."""
    rows: Counter[str] = Counter()
    for item in items:
        if mark := item.get_closest_marker("sampled"):
            table = item.nodeid.partition("[")[0]
            if rows[table] % mark.args[0]:
                item.add_marker(pytest.mark.slow)
            rows[table] += 1


def pytest_collection_finish() -> None:
    """Look for garbage again, though never among the tests."""
    gc.freeze()
    gc.enable()


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
        limits: Limits | None = None,
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
            limits: Limits | None = None,
        ) -> Server:
            folder = tmp_path_factory.mktemp("server")
            server = Server(folder, env, kind, data_dir, command, fresh=fresh, limits=limits)
            stack.callback(server.close)
            return server.start()

        yield start


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for the tests of one module, which stops with it."""
    with Server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def server(alone: Server) -> Server:
    """One server on the emulator for all tests of a module."""
    return alone


@pytest.fixture
async def client(server: Server) -> AsyncIterator[httpx2.AsyncClient]:
    """A logged-in client of the module's server, as `user-1`."""
    async with server.client() as logged_in:
        yield logged_in
