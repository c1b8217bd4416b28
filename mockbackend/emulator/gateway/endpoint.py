"""From a request's bytes to the sending of its reply, every call noted in the journal."""

from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from .error_faults import error_reply
from .errors import AzureError
from .journal import Journal
from .reply import Reply, Sending

Answering = Callable[[Request, bytes], Awaitable[Reply]]


class Endpoint:
    """An ASGI application for a path. `answer` is given the request and its whole body, and may raise AzureError."""

    def __init__(self, answer: Answering, journal: Journal) -> None:
        self._answer = answer
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            # Read whole before anything else: a disconnect stays hidden behind unread pieces of the body.
            raw = await request.body()
        except ClientDisconnect:
            return
        entry = self._journal.begin(request.method, request.url.path, raw)
        try:
            reply = await self._answer(request, raw)
        except AzureError as error:
            reply = error_reply(error)
        await Sending(reply, self._journal, entry)(scope, receive, send)
