"""`mockbackend emulator`: the emulator by itself, for other programs, and the control of its scenarios."""

from __future__ import annotations

import base64
import binascii
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from ..emulator.app import create_emulator
from ..emulator.gateway.auth import valid_key
from ..errors import INTERNAL, ServiceError
from ..mock.control import MAX_BODY_BYTES, Control
from ..mock.script import load_scenarios
from ..mock.store import DEFAULT, EMPTY, MockStore
from ..mock.watching import digest, watching
from ..routes.body import chunks
from ..routes.control import OPEN, PREFIX, to_response
from ..routes.json import error_response

log = logging.getLogger("mockbackend.emulator")


def create(script: str | os.PathLike[str] | None, api_key: str | None) -> Starlette:
    """The application. Scenarios begin with `script`; with a key, no other is taken. Raises ScriptError."""
    scripts = load_scenarios(script) if script else {}
    default = scripts.get(DEFAULT, EMPTY)
    store = MockStore(None, default, digest(default))
    for name, document in scripts.items():
        if name != DEFAULT:
            store.scenarios.put(name, document, origin=digest(document))
    control = Control(store, _nothing_stored)

    async def answer(request: Request) -> Response:
        path = request.path_params["path"]
        try:
            if path not in OPEN and api_key is not None and not valid_key(_key(request), api_key):
                raise ServiceError(401, "unauthorized", "The key is missing or wrong. Send it as api-key.")
            body = b"".join([chunk async for chunk in chunks(request, MAX_BODY_BYTES)])
            media_type = request.headers.get("content-type", "")
            return to_response(await control.answer(request.method, path, request.query_params, body, media_type))
        except ServiceError as error:
            return error_response(error)
        except Exception:
            log.exception("%s %r failed", request.method, request.url.path)
            return error_response(ServiceError(500, "internal", INTERNAL))

    methods = ["GET", "PUT", "POST", "DELETE", "PATCH"]
    routes = [Route(f"{PREFIX}{{path:path}}", answer, methods=methods), Mount("/", create_emulator(store, api_key))]

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with watching(store, os.fspath(script)) if script else nullcontext():
            yield

    return Starlette(routes=routes, lifespan=lifespan)


async def _nothing_stored(scenario: str) -> None:
    """Remove what is stored in a scenario: the emulator alone has no conversations."""


def _key(request: Request) -> str | None:
    """The key in its own header, or as the password of HTTP Basic."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return request.headers.get("api-key")
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return None
