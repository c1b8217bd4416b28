"""Services that have learned nothing of their engine yet: what a test teaches one is forgotten before the next.

Services with the same settings are one. So a test that takes it does not choose the ids of its conversations.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Protocol

import httpx2
import pytest

from tests.harness.model import Upstream
from tests.harness.raw_model import RawUpstream, Replies
from tests.harness.service import Server

# The path of tests/upstream/forgetful_app.py, which sets up a whole process where it is imported.
FORGET = "/forget"


# The settings of an engine for `driven`.
OPENAI = {"OPENAI_BASE_URL": "{address}/v1", "OPENAI_API_KEY": "k", "OPENAI_MODEL": "model"}


class Unlearned(Protocol):
    """Gives the engine that replies so, of which nothing was asked, and a client of a service that does not know it."""

    def __call__(
        self, replies: Replies, env: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[tuple[RawUpstream, httpx2.AsyncClient]]: ...


@pytest.fixture(scope="session")
def unlearned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unlearned]:
    """`async with unlearned(replies, {...}) as (upstream, client):`, as often as a test needs one."""
    running: dict[frozenset[tuple[str, str]], tuple[RawUpstream, Server]] = {}
    with ExitStack() as stack:

        def started(env: Mapping[str, str]) -> tuple[RawUpstream, Server]:
            key = frozenset(env.items())
            if key not in running:
                upstream = stack.enter_context(RawUpstream({}))
                server = _forgetful(tmp_path_factory.mktemp("unlearned"), {**upstream.settings, **env})
                running[key] = upstream, stack.enter_context(server)
            return running[key]

        @asynccontextmanager
        async def begin(
            replies: Replies, env: Mapping[str, str] | None = None
        ) -> AsyncIterator[tuple[RawUpstream, httpx2.AsyncClient]]:
            upstream, server = started(env or {})
            with upstream.replying(replies):
                async with server.client() as client:
                    (await client.post(FORGET)).raise_for_status()
                    yield upstream, client

        yield begin


class Driven(Protocol):
    """Gives an engine that the test drives, and a service that does not know it.

    In the service's settings `{address}` is where the engine listens.
    """

    def __call__(self, settings: Mapping[str, str]) -> AbstractAsyncContextManager[tuple[Upstream, Server]]: ...


@pytest.fixture(scope="session")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driven]:
    """`async with driven({...}) as (upstream, server):`, as often as a test needs one."""
    running: dict[frozenset[tuple[str, str]], tuple[socket.socket, Server]] = {}
    with ExitStack() as stack:

        def started(settings: Mapping[str, str]) -> tuple[socket.socket, Server]:
            key = frozenset(settings.items())
            if key not in running:
                kept = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
                address = f"http://127.0.0.1:{kept.getsockname()[1]}"
                env = {name: value.format(address=address) for name, value in settings.items()}
                running[key] = kept, stack.enter_context(_forgetful(tmp_path_factory.mktemp("driven"), env))
            return running[key]

        @asynccontextmanager
        async def begin(settings: Mapping[str, str]) -> AsyncIterator[tuple[Upstream, Server]]:
            kept, server = started(settings)
            async with Upstream(kept=kept) as upstream:
                async with server.client() as client:
                    (await client.post(FORGET)).raise_for_status()
                yield upstream, server

        yield begin


def _forgetful(folder: Path, settings: Mapping[str, str]) -> Server:
    return Server(folder, settings, app="tests.upstream.forgetful_app:app")
