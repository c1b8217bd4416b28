"""One path of the emulator: read the request, note it in the journal, answer it."""

from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from .errors import AzureError
from .journal import Journal
from .reply import Reply, send_reply

Handler = Callable[[Request, bytes], Awaitable[Reply]]


class Endpoint:
    """An ASGI application for a path. Its handler gets the request and its whole body, and may raise AzureError."""

    def __init__(self, handler: Handler, journal: Journal) -> None:
        self._handler = handler
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            # Read whole before anything else: a disconnect stays hidden behind unread pieces of the body.
            raw = await request.body()
        except ClientDisconnect:
            return
        entry = self._journal.add(request.method, request.url.path, raw)
        try:
            reply = await self._handler(request, raw)
        except AzureError as error:
            reply = Reply.of_error(error)
        await send_reply(reply, self._journal, entry, receive, send)
