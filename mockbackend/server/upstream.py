"""The client of the configured engine; where none is configured, of the emulator, which is started beside it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp

from ..settings import Settings, SettingsError
from ..upstream import Upstream


@asynccontextmanager
async def open_upstream(settings: Settings) -> AsyncIterator[tuple[Upstream, ASGIApp | None]]:
    """The client, open for as long as the context lasts, and the emulator if it is the engine.

    Raises SettingsError for a MOCK_SCRIPT that cannot be used.
    """
    async with contextlib.AsyncExitStack() as stack:
        url, emulator = None, None
        if settings.engine == "emulator":
            # Imported late: a real engine needs nothing of it.
            from ..emulator.embedded import embedded_emulator
            from ..mock.script import ScriptError

            try:
                url, emulator = await stack.enter_async_context(embedded_emulator(settings.mock_script))
            except ScriptError as error:
                raise SettingsError([f"MOCK_SCRIPT: {problem}" for problem in error.problems]) from None
        upstream = Upstream(settings, url)
        stack.push_async_callback(upstream.close)
        yield upstream, emulator
