"""Around every request: an id for the log, and an answer for whatever was not foreseen."""

from __future__ import annotations

import logging
import uuid

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import INTERNAL, ServiceError
from ..log import request_id
from .json import error_response

log = logging.getLogger("mockbackend.http")


class Guard:
    """Inside the CORS middleware, so that a 500 has its headers too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application; nothing that it raises reaches a client."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id.set(uuid.uuid4().hex[:12])
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.get().encode())]
                log.debug("%s %r %s", scope["method"], scope["path"], message["status"])
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception:
            log.exception("%s %r failed", scope["method"], scope["path"])
            if not started:
                await error_response(ServiceError(500, "internal", INTERNAL))(scope, receive, sending)
