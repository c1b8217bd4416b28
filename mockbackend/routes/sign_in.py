"""POST /sign-in: the page's login, by the link that the start has printed."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from ..errors import ServiceError, bad_request, not_found
from .auth import get_service
from .body import read_small_object
from .json import JSON
from .origin import client_address, is_loopback

PATH = "/sign-in"


async def sign_in(request: Request) -> Response:
    """`{login, password}`, once. 403 for a link that has been used or is too old, 404 where no link was printed."""
    service = get_service(request)
    if service.sign_in is None or not is_loopback(client_address(request, service.settings)):
        raise not_found()
    secret = (await read_small_object(request)).get("secret")
    if not isinstance(secret, str):
        raise bad_request("secret: must be text")
    if not service.sign_in.take(secret):
        words = "This link has been used, or is older than ten minutes. Please sign in with the login that was printed."
        raise ServiceError(403, "link_used", words)
    login = {"login": service.login.username, "password": service.login.password}
    return JSON(login, headers={"cache-control": "no-store"})
