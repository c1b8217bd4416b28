"""`mockbackend serve`: the service on one socket, in one process or several."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import logging
import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from .. import log as logs
from ..settings import Settings, SettingsError
from .lazy_imports import fill
from .listening import listen
from .sign_in_link import SignInLink
from .unused import fast_imports
from .workers import Parent, Supervisor

if TYPE_CHECKING:
    from starlette.applications import Starlette

log = logging.getLogger("mockbackend")


def run(settings: Settings, host: str | None = None, port: int | None = None) -> int:
    """Serve the API until a signal ends it, and return the exit status.

    It listens where the settings say, unless the command line names a host or a port.
    """
    local = settings.port is None or port is not None
    host = host or settings.bind_host or ("127.0.0.1" if local else "0.0.0.0")  # noqa: S104
    port = next(one for one in (port, settings.port, 8000) if one is not None)
    if settings.web_concurrency > 1 and not hasattr(os, "fork"):
        raise SettingsError(["WEB_CONCURRENCY: this system cannot fork processes; set it to 1"])
    listening = listen(host, port, "PORT")
    if listening is None:
        return 1
    # The one that was free, where any would do.
    port = listening.getsockname()[1]
    settings = dataclasses.replace(settings, port=port)
    logs.configure(settings.log_level, settings.log_format)
    serve = load(settings, f"http://{f'[{host}]' if ':' in host else host}:{port}", SignInLink.of(host))
    if settings.web_concurrency == 1:
        return serve(listening, None)
    return Supervisor(settings.web_concurrency, listening, serve).run()


def run_alone(app: Starlette, host: str, port: int) -> int:
    """Serve an app that has nothing to drain in this process, and return the exit status."""
    from . import hypercorn_server

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    listening = listen(host, port, "--port")
    if listening is None:
        return 1
    return hypercorn_server.run(app, listening, _nothing)


async def _nothing() -> None:
    """Drain an app that has nothing to drain."""


def load(
    settings: Settings, address: str, sign_in: SignInLink | None = None, *, for_tests: bool = False
) -> Callable[[socket.socket, Parent | None], int]:
    """Import everything that serving needs, and return what serves. Workers fork in between and share the imports.

    What serves for tests says nothing at its start and does not slow down failed logins.
    """
    gc.disable()
    with fast_imports():
        from ..agent.graph import run_for_nothing
        from ..agent.tools import AVAILABLE_TOOLS, schema
        from ..agent.untraced import load_langsmith
        from ..app import create_app

        # The app imports the engines only when it starts, which is after the fork.
        from ..storage import import_engine
        from . import hypercorn_server
        from .file_limits import raise_and_cap

        import_engine(settings)
        if settings.engine == "emulator":
            from ..emulator import embedded as emulator_beside_it  # noqa: F401
    if settings.web_concurrency > 1:
        # What each of them would load before long.
        fill("mockbackend")
        load_langsmith()
        # Made in each worker otherwise: 2 MB for the schemas, which the first turn needs, and 3 MB for the graph.
        asyncio.run(run_for_nothing())
        for tool in AVAILABLE_TOOLS:
            schema(tool.name)
        gc.freeze()
    # Workers inherit the limit, and one that is too low is logged once.
    settings = raise_and_cap(settings)

    def serve(listening: socket.socket, parent: Parent | None) -> int:
        gc.enable()
        announce = not for_tests and (parent is None or parent.is_new)
        app = create_app(
            settings, announce=announce, address=address, sign_in=sign_in, slow_failed_logins=not for_tests
        )
        return hypercorn_server.run(app, listening, lambda: app.state.drain(settings.drain_seconds), parent)

    return serve
