"""One path of the emulator: read the request, note it in the journals, answer it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from ...mock.store import MockStore
from .errors import AzureError
from .journal import Journal
from .mocked import enter
from .reply import Reply, send_reply

Handler = Callable[[Request, bytes], Awaitable[Reply]]


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
        journal = self._gateway.journal
        entry = journal.add(request.method, request.url.path, raw)
        try:
            try:
                entry.mocked = enter(self._gateway.store, request, self._kind, raw, of_service=self._gateway.of_service)
                scope["mocked"] = entry.mocked
                reply = await self._handler(request, raw)
            except AzureError as error:
                reply = Reply.of_error(error)
            await send_reply(reply, journal, entry, receive, send)
        finally:
            # Where nothing else has said how it ended.
            entry.end("error")
