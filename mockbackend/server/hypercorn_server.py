"""Hypercorn with our settings, on a socket that listens already."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from hypercorn.utils import LifespanFailureError

from . import hypercorn_patches
from .drain import Drain, until_drained
from .listening import BACKLOG
from .workers import Parent

if sys.platform != "win32":
    import uvloop
if TYPE_CHECKING:
    from starlette.applications import Starlette

# For a request line and its headers; nginx lets 32 KiB through.
MAX_HEADER_BYTES = 32 * 1024
# After the drain: for responses other than turns, and for the stores to close.
GRACEFUL_SECONDS = 3.0
SHUTDOWN_SECONDS = 10.0


def run(app: Starlette, listening: socket.socket, drain: Drain, parent: Parent | None = None) -> int:
    """Serve the app until it is drained, and return the exit status. Raises what the app's start raises."""
    hypercorn_patches.install()
    config = _config(listening)

    async def serving() -> None:
        trigger = partial(until_drained, config, drain, parent)
        await serve(app, config, shutdown_trigger=trigger, mode="asgi")  # type: ignore[arg-type]

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.get_loop().set_exception_handler(_on_loop_error)
        try:
            runner.run(serving())
        except LifespanFailureError as error:
            # Hypercorn's own error has only the text of what the app raised.
            failure = error.__context__ or error
        else:
            return 0
    raise failure


def _config(listening: socket.socket) -> Config:
    config = Config()
    # Hypercorn owns the descriptor from here; two owners would close it twice.
    config.bind = [f"fd://{listening.detach()}"]
    config.errorlog = logging.getLogger("hypercorn.error")
    config.include_server_header = False
    config.backlog = BACKLOG
    config.h11_max_incomplete_size = MAX_HEADER_BYTES
    config.graceful_timeout = GRACEFUL_SECONDS
    config.shutdown_timeout = SHUTDOWN_SECONDS
    return config


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    return uvloop.new_event_loop


def _on_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # Python 3.11 reports a connection that Hypercorn cuts at its end as an error.
    if not isinstance(context.get("exception"), asyncio.CancelledError):
        loop.default_exception_handler(context)
