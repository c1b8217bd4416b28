"""`mockbackend serve`: Hypercorn with the right defaults, in one process or several.

It owns SIGTERM and SIGINT. Plain Hypercorn stops listening at once and cuts streams after three seconds; here the
port stays open while the app drains, and only then is Hypercorn told. A second signal cuts the drain short.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from .. import log as logs
from ..settings import Settings, SettingsError
from .lazy_imports import defer
from .workers import supervise

if TYPE_CHECKING:
    from hypercorn.config import Config
    from starlette.applications import Starlette

log = logging.getLogger("mockbackend")

BACKLOG = 1024
# Longer than the 60 s for which nginx keeps a connection to us, so that it never sends into one being closed.
KEEP_ALIVE_SECONDS = 75.0
# What a request line and its headers may take; nginx lets 32 KiB through.
MAX_HEADER_BYTES = 32 * 1024
# After the drain: for answers that are no turns, and for the stores to close.
GRACEFUL_SECONDS = 3.0
SHUTDOWN_SECONDS = 10.0

Drain = Callable[[], Awaitable[None]]


def run(settings: Settings) -> int:
    """Serve the API as the settings say, until a signal; gives the exit status."""
    host, port = ("127.0.0.1", 8000) if settings.port is None else ("0.0.0.0", settings.port)  # noqa: S104
    if settings.web_concurrency > 1 and not hasattr(os, "fork"):
        raise SettingsError(["WEB_CONCURRENCY: this system serves with one process only"])
    listening = _listen(host, port)
    if listening is None:
        return 1
    logs.configure(settings.log_level)
    if settings.web_concurrency > 1:
        return supervise(settings.web_concurrency, listening, partial(_work, settings))
    return _work(settings, listening, None)


def run_alone(app: Starlette, host: str, port: int) -> int:
    """Serve an app that has nothing to drain, in this process; gives the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    listening = _listen(host, port)
    if listening is None:
        return 1
    return _serve(app, listening, None, _nothing)


async def _nothing() -> None:
    """The drain of an app that has none."""


def _work(settings: Settings, listening: socket.socket, lifeline: int | None) -> int:
    # What imports make is no garbage, and walking it again and again is a fifth of the start.
    gc.disable()
    defer("openai.types", "langgraph_sdk")
    from ..app import create_app

    app = create_app(settings)
    gc.freeze()
    gc.enable()
    return _serve(app, listening, lifeline, lambda: app.state.drain(settings.drain_seconds))


def _listen(host: str, port: int) -> socket.socket | None:
    # Bound before the slow imports: a port in use is told at once, and early connections wait instead of failing.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = str(error.strerror).partition(" (")[0]
        print(f"cannot listen on {host}:{port}: {reason}", file=sys.stderr)
        return None


def _serve(app: Starlette, listening: socket.socket, lifeline: int | None, drain: Drain) -> int:
    from hypercorn.asyncio import serve
    from hypercorn.utils import LifespanFailureError

    from . import hypercorn_patches

    hypercorn_patches.install()

    async def serving() -> None:
        config = _config(listening)
        trigger = partial(_until_drained, config, lifeline, drain)
        await serve(app, config, shutdown_trigger=trigger, mode="asgi")  # type: ignore[arg-type]

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.get_loop().set_exception_handler(_on_loop_error)
        try:
            runner.run(serving())
        except LifespanFailureError as error:
            # Hypercorn's own error tells what the app raised as a text only.
            failure = error.__context__ or error
        else:
            return 0
    raise failure


def _on_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # Python 3.11 reports a connection that Hypercorn cuts at its end as an error.
    if not isinstance(context.get("exception"), asyncio.CancelledError):
        loop.default_exception_handler(context)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop


def _config(listening: socket.socket) -> Config:
    from hypercorn.config import Config

    config = Config()
    # Hypercorn owns the descriptor from here; two owners would close it twice.
    config.bind = [f"fd://{listening.detach()}"]
    config.errorlog = logging.getLogger("hypercorn.error")
    config.include_server_header = False
    config.backlog = BACKLOG
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.h11_max_incomplete_size = MAX_HEADER_BYTES
    config.graceful_timeout = GRACEFUL_SECONDS
    config.shutdown_timeout = SHUTDOWN_SECONDS
    return config


async def _until_drained(config: Config, lifeline: int | None, drain: Drain) -> None:
    """Return when Hypercorn shall end: after the drain that a signal began, or at once."""
    asked, now = asyncio.Event(), asyncio.Event()
    _watch(lifeline, asked, now)
    await asked.wait()
    draining = asyncio.ensure_future(drain())
    flush_soon = asyncio.create_task(now.wait())
    await asyncio.wait({draining, flush_soon}, return_when=asyncio.FIRST_COMPLETED)
    flush_soon.cancel()
    if not draining.done():
        draining.cancel()
        config.graceful_timeout = 0.0
    elif (error := draining.exception()) is not None:
        log.error("the drain failed", exc_info=error)


def _watch(lifeline: int | None, asked: asyncio.Event, now: asyncio.Event) -> None:
    """Have the events set: a worker is hurried by its lifeline alone, a single process by its second signal."""
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if asked.is_set() and lifeline is None:
            now.set()
        asked.set()

    def on_lifeline_end(fd: int) -> None:
        loop.remove_reader(fd)
        now.set()
        asked.set()

    if lifeline is not None:
        loop.add_reader(lifeline, on_lifeline_end, lifeline)
    for number in (signal.SIGTERM,) if lifeline is not None else (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, on_signal)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(on_signal))
