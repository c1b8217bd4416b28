"""The gate to the mock: what a request asks of it, by the header X-Mock or by lines `/mock …` at a message's start.

A request that asks for nothing goes its usual way: what it costs is a look at the names of its headers.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Scope

from ..errors import ServiceError, unusable
from ..messages import COMMAND
from ..mock.script.asked import Asked
from ..upstream.client import call_headers
from .front_call import call_of
from .json import error_response
from .service import Service

HEADERS, SCENARIO = b"x-mock", b"x-mock-scenario"
# In a request's scope: what it asks.
ASKED = "mockbackend.asked"
ONLY = "X-Mock headers work where the emulator answers. Here a real engine does."


def ask(request: Request, service: Service) -> Response | None:
    """Note what the header asks; the response in place of the call, if one is wanted. Raises ServiceError: 400, 422."""
    if service.emulator is None:
        names = {name for name, _ in request.scope["headers"] if name.startswith(HEADERS)}
        if service.upstream.recorder and names == {SCENARIO}:
            # It names the folder of a recording.
            return None
        raise ServiceError(400, "mock_only", ONLY)
    return _note(request, [])


def is_mocked(request: Request) -> bool:
    """Whether the name of one of its headers begins with X-Mock."""
    return any(name.startswith(HEADERS) for name, _ in request.scope["headers"])


def ask_in_message(request: Request, service: Service, text: str, mode: str) -> Response | None:
    """The same for lines at the start of a message. To a real engine they are ordinary words."""
    if service.emulator is None or not text.startswith(COMMAND):
        return None
    # Imported late, here and below: few requests need it.
    from ..mock.script.asked import split_message

    commands, _ = split_message(text)
    instead = _note(request, commands) if commands else None
    if mode == "image" and commands and request.scope[ASKED].help:
        raise unusable("/mock help is answered in words: ask for it in chat mode.")
    return instead


def ask_by_rule(request: Request, text: str = "", mode: str | None = None, turn: int | None = None) -> Response | None:
    """The same for the rule of its scenario that the call is given, unless the request asks for something itself."""
    call = call_of(request)
    wire = call.choose(text, mode, turn) if call else None
    asked: Asked | None = request.scope.get(ASKED)
    if wire is None or (asked and asked.wire):
        return None
    from .faults import in_place

    request.scope[ASKED] = replace(asked, wire=wire) if asked else Asked(wire)
    return in_place(wire, wire.status) if wire.status else None


def _note(request: Request, commands: list[str]) -> Response | None:
    from .faults import in_place, passed_on, read

    asked = read(request, commands)
    if asked is None:
        return None
    request.scope[ASKED] = asked
    call_headers.set({**call_headers.get(), **passed_on(asked)})
    return in_place(asked.wire, asked.wire.status) if asked.wire and asked.wire.status else None


async def mocked(scope: Scope, answer: Awaitable[Response]) -> ASGIApp:
    """The response to a request, with the fault that was asked for on its way. Raises ServiceError."""
    try:
        response = await answer
    except ServiceError as error:
        if ASKED not in scope:
            raise
        response = error_response(error)
    if ASKED not in scope:
        return response
    from .faults import faulty

    return faulty(response, scope[ASKED], scope.get("mock"))
