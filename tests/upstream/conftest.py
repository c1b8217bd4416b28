"""A service that has learned nothing of its engine yet: what a test teaches it is forgotten before the next."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from typing import Protocol

import httpx2
import pytest

from tests.harness.raw_model import RawUpstream, Replies
from tests.harness.service import Server

# The path of tests/upstream/forgetful_app.py, which sets up a whole process where it is imported.
FORGET = "/forget"


class Unlearned(Protocol):
    """Gives the engine that replies so, of which nothing was asked, and a client of a service that does not know it.

    A user must have no conversation whose id a test chooses: services with the same settings are one.
    """

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
                folder, settings = tmp_path_factory.mktemp("unlearned"), {**upstream.settings, **env}
                server = Server(folder, settings, app="tests.upstream.forgetful_app:app")
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
