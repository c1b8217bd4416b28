"""The emulator beside the service: on a local socket of its own, reached through the same client as Azure."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hypercorn.asyncio import serve
from hypercorn.config import Config
from starlette.applications import Starlette

from ..mock.store import MockStore
from .app import create_emulator


@asynccontextmanager
async def embedded_emulator(store: MockStore) -> AsyncIterator[tuple[str, Starlette]]:
    """Serve the emulator for as long as the context lasts; gives its URL and itself."""
    app = create_emulator(store, of_service=True)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    config = Config()
    config.bind = [f"fd://{listening.detach()}"]
    config.graceful_timeout = 0.1
    config.errorlog = None
    ended = asyncio.Event()
    task = asyncio.create_task(serve(app, config, shutdown_trigger=ended.wait))  # type: ignore[arg-type]
    try:
        yield f"http://127.0.0.1:{port}", app
    finally:
        ended.set()
        await task
