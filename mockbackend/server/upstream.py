"""The client of the configured engine; where none is configured, of the emulator, which is started beside it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from ..mock.store import MockStore
from ..settings import Settings
from ..upstream import Upstream

if TYPE_CHECKING:
    from ..mock.recording import Recorder


@asynccontextmanager
async def open_upstream(
    settings: Settings, mock: MockStore | None, recorder: Recorder | None = None
) -> AsyncIterator[tuple[Upstream, ASGIApp | None]]:
    """The client, open for as long as the context lasts, and the emulator if it is the engine: then there is a mock."""
    async with contextlib.AsyncExitStack() as stack:
        url, emulator = None, None
        if mock is not None:
            # Imported late: a real engine needs nothing of it.
            from ..emulator.embedded import embedded_emulator

            url, emulator = await stack.enter_async_context(embedded_emulator(mock))
        upstream = Upstream(settings, url, recorder)
        stack.push_async_callback(upstream.close)
        yield upstream, emulator
