"""The service, which tells at GET /lag how much CPU time its process spent while its event loop could not run.

CPU time, because other programs of the machine make a loop late as well.
"""

from __future__ import annotations

import asyncio
import time

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mockbackend.app import create_app

SECONDS = 0.002
app = create_app()
longest = 0.0
watching: asyncio.Task[None] | None = None


async def lag(request: Request) -> Response:
    """The longest since the last call."""
    global longest, watching
    watching = watching or asyncio.create_task(_watch())
    found, longest = longest, 0.0
    return PlainTextResponse(str(found))


async def _watch() -> None:
    global longest
    while True:
        began = time.process_time()
        await asyncio.sleep(SECONDS)
        longest = max(longest, time.process_time() - began)


app.router.routes.append(Route("/lag", lag))
