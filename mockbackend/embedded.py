"""The emulator beside the service: on a local socket of its own, reached through the same client as Azure."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hypercorn.asyncio import serve
from hypercorn.config import Config

from .emulator.app import create_emulator
from .emulator.script import ScriptError, load_script
from .emulator.script.rules import Script
from .settings import SettingsError


@asynccontextmanager
async def embedded_emulator(script: str) -> AsyncIterator[str]:
    """Serve the emulator for as long as the context lasts; gives its URL."""
    app = create_emulator(_script(script) if script else None)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    config = Config()
    config.bind = [f"fd://{listening.detach()}"]
    config.graceful_timeout = 0.1
    config.errorlog = None
    ended = asyncio.Event()
    task = asyncio.create_task(serve(app, config, shutdown_trigger=ended.wait))  # type: ignore[arg-type]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        ended.set()
        await task


def _script(path: str) -> Script:
    try:
        return load_script(path)
    except ScriptError as error:
        raise SettingsError([f"MOCK_SCRIPT: {error}"]) from None
