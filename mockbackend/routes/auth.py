"""Access to the routes: the login and the userid, checked before an endpoint runs."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ..errors import ServiceError, bad_request
from .front_call import call_of
from .journaled import noted, own, recorded
from .mocking import ask, ask_by_rule, is_mocked, mocked
from .origin import client_address
from .service import Service

Endpoint = Callable[[Request], Awaitable[Response]]
Access = Literal["open", "login", "owner"]
USERID_CHARACTERS = 256


def get_service(request: Request) -> Service:
    """This process's service. Raises a 503 until it has started."""
    found: Service | None = getattr(request.app.state, "service", None)
    if found is None:
        raise ServiceError(503, "starting", "The service is starting. Please try again.", {"retry-after": "1"})
    return found


def userid(request: Request) -> str:
    """The owner that the request names, as it is stored, at an endpoint whose access is `owner`."""
    named: str = request.scope["userid"]
    return named


class Resource:
    """The endpoints of one path by method, each behind its checks.

    It is an ASGI application, because Starlette wraps a function in two further coroutines, and these would live as
    long as the answer is streamed.
    """

    def __init__(self, path: str, endpoints: dict[str, tuple[Endpoint, Access]]) -> None:
        self.path = path
        self._endpoints = {**endpoints, "HEAD": endpoints["GET"]} if "GET" in endpoints else endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; raises ServiceError."""
        service: Service | None = getattr(scope["app"].state, "service", None)
        if service is None or service.mock is None:
            request = Request(scope, receive, send)
            recorder = service.upstream.recorder if service else None
            with recorded(recorder.store, self.path, request) if recorder else nullcontext():
                response = await mocked(scope, self._answer(request))
                await response(scope, receive, send)
            return
        with noted(service.mock.store, self.path, Request(scope, receive, send)) as call:
            receiving, sending = (call.receive, call.send) if call else (receive, send)
            response = await mocked(scope, self._answer(Request(scope, receiving, sending)))
            await response(scope, receiving, sending)

    async def _answer(self, request: Request) -> Response:
        """Run the endpoint, or raise a 401 or 429 for a wrong login or a 400 for a missing userid."""
        endpoint, access = self._endpoints[request.method]
        if access != "open":
            await log_in(request)
        if access == "owner":
            owner = _userid(request)
            mock = get_service(request).mock
            request.scope["userid"] = owner if mock is None else own(request, mock.store, owner)
        if is_mocked(request) and (instead := ask(request, get_service(request))):
            return await _in_place(request, instead)
        # Of a chat its text is needed, which its endpoint reads.
        if (call := call_of(request)) and call.kind != "chat" and (instead := ask_by_rule(request)):
            return await _in_place(request, instead)
        return await endpoint(request)


async def _in_place(request: Request, instead: Response) -> Response:
    """The response in place of the call, once the journal has the body, which no endpoint reads then."""
    if call := call_of(request):
        await call.read_body()
    return instead


async def log_in(request: Request) -> None:
    """Raise a 401 or 429 unless the request has the login."""
    service = get_service(request)
    address = client_address(request, service.settings)
    service.failed_logins.check(address)
    if service.login.admits(_credentials(request)):
        return
    # A browser asks without a login first.
    if "authorization" in request.headers:
        await service.failed_logins.failed(address)
    words = "The login is missing or wrong. Send the user name and password by HTTP Basic authentication."
    challenge = {"www-authenticate": 'Basic realm="mockbackend", charset="UTF-8"'}
    raise ServiceError(401, "unauthorized", words, challenge)


def _credentials(request: Request) -> str:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""


def _userid(request: Request) -> str:
    try:
        named = request.headers.get("userid", "").encode("latin-1").decode()
    except UnicodeDecodeError:
        named = ""
    if not 1 <= len(named) <= USERID_CHARACTERS or not named.isprintable():
        raise bad_request(f"userid: this header is required, with 1 to {USERID_CHARACTERS} printable characters.")
    return named
