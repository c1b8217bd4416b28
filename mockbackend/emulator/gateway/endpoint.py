"""One path of the emulator: read the request, note it in the journals, answer it."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope, Send

from ...mock.store import MockStore
from .errors import AzureError, own_failure
from .journal import Entry, Journal
from .mocked import enter
from .reply import Reply, send_reply

Handler = Callable[[Request, bytes], Awaitable[Reply]]
log = logging.getLogger("mockbackend.emulator")


@dataclass(frozen=True, slots=True)
class Gateway:
    """What every path of the emulator shares. With `api_key` None any key is valid, but there must be one.

    `of_service`: the service calls it, and says with each call what that is part of.
    """

    store: MockStore
    journal: Journal
    api_key: str | None
    of_service: bool


class Endpoint:
    """An ASGI application for a path. Its handler gets the request and its whole body, and may raise AzureError.

    `kind` is what the journal calls its calls.
    """

    def __init__(self, handler: Handler, gateway: Gateway, kind: str) -> None:
        self._handler = handler
        self._gateway = gateway
        self._kind = kind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            # Read whole before anything else: a disconnect stays hidden behind unread pieces of the body.
            raw = await request.body()
        except ClientDisconnect:
            return
        entry = self._gateway.journal.add(request.method, request.url.path, raw)
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            try:
                await self._answer(request, raw, entry, receive, sending)
            except Exception:
                # A mistake of the emulator's own: clients see it as Azure's, and a stream that has begun breaks off.
                log.exception("%s %r failed", request.method, request.url.path)
                if not started:
                    await send_reply(Reply.of_error(own_failure()), self._gateway.journal, entry, receive, send)
        finally:
            # Where nothing else has said how it ended.
            entry.end("error")

    async def _answer(self, request: Request, raw: bytes, entry: Entry, receive: Receive, send: Send) -> None:
        gateway = self._gateway
        try:
            entry.mocked = enter(gateway.store, request, self._kind, raw, of_service=gateway.of_service)
            request.scope["mocked"] = entry.mocked
            reply = await self._handler(request, raw)
        except AzureError as error:
            reply = Reply.of_error(error)
        await send_reply(reply, gateway.journal, entry, receive, send)
