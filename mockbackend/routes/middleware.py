"""Middleware around every request: an id for the log, a 500 for unexpected errors, and unread bodies."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import INTERNAL, ServiceError
from ..log import fields, request_id
from ..metrics import HTTP_REQUESTS
from .auth import Resource
from .json import error_response

DISCARD_SECONDS = 2.0
log = logging.getLogger("mockbackend.http")


class Guard:
    """An id for each request, and a 500 for unexpected errors. CORS stays outside, so that a 500 has its headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application. No exception leaves it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id.set(secrets.token_hex(6))
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                endpoint = scope.get("endpoint")
                route = endpoint.path if isinstance(endpoint, Resource) else "unknown"
                HTTP_REQUESTS.inc(route, str(message["status"]))
                # The emulator's answers, at its path, have one of their own, as Azure's have.
                headers = list(message["headers"])
                if not any(name == b"x-request-id" for name, _ in headers):
                    headers.append((b"x-request-id", request_id.get().encode()))
                message["headers"] = headers
                extra = fields(method=scope["method"], route=route, status=message["status"])
                log.debug("%s %r %s", scope["method"], scope["path"], message["status"], extra=extra)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception:
            log.exception("%s %r failed", scope["method"], scope["path"])
            if not started:
                await error_response(ServiceError(500, "internal", INTERNAL))(scope, receive, sending)


class UnreadBody:
    """A reader that discards the rest of a body that the application answered without reading it.

    Closing the connection while the client still sends would reset it, and the client might never see its 401 or 413.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application, and hold back the end of its response until the body is read or time is up."""
        if scope["type"] != "http" or not _has_body(scope):
            await self._app(scope, receive, send)
            return
        is_read = False

        async def receiving() -> Message:
            nonlocal is_read
            message = await receive()
            is_read = not message.get("more_body", False)
            return message

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body", False) and not is_read:
                await send({**message, "more_body": True})
                message = {"type": "http.response.body"}
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(DISCARD_SECONDS):
                        while not is_read:
                            await receiving()
            await send(message)

        await self._app(scope, receiving, sending)


def _has_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )
