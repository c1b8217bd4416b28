"""The path of the emulator on the service's own port."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from ..errors import not_found
from .auth import get_service

PATH = "/__mock__/azure"


async def serve_emulator(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application below `PATH`."""
    request = Request(scope, receive, send)
    door = get_service(request).emulator
    if door is None:
        raise not_found()
    await door.serve(request, send)
