"""The emulator on the service's own port, for other programs. It is there only where it is the engine.

Where the service listens on this machine alone, any key is taken, as by an emulator that runs alone. Elsewhere only the
API's password is, and wrong keys are slowed down as wrong logins are.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Send

from ..errors import ServiceError, not_found
from ..settings import Settings
from .body import chunks
from .failed_logins import FailedLogins
from .login import Login
from .origin import client_address

# For tests that run the emulator alone: it shows what others have sent.
HIDDEN = "/emulator/"
# An image that was given as a URL: its token is the key.
OPEN = "/generated/"
WRONG_KEY = (
    "The key is wrong. Where the service can be reached from other machines, the emulator takes only its password, "
    "BACKEND_AUTH_PASSWORD, as api-key or bearer token."
)


class EmulatorDoor:
    """The way from the service's port to the emulator. `takes_any_key` says so."""

    def __init__(
        self, app: ASGIApp, settings: Settings, login: Login, failed_logins: FailedLogins, *, takes_any_key: bool
    ) -> None:
        self._app = app
        self._settings = settings
        self._login = login
        self._failed_logins = failed_logins
        self._takes_any_key = takes_any_key

    async def serve(self, request: Request, send: Send) -> None:
        """Answer one request below its path; raises ServiceError."""
        path = request.scope["path"].removeprefix(request.scope["root_path"])
        if path.startswith(HIDDEN):
            raise not_found()
        if not self._takes_any_key and not path.startswith(OPEN):
            await self._check_key(request, client_address(request, self._settings))
        body = b"".join([chunk async for chunk in chunks(request, self._settings.max_body_bytes, "MAX_BODY_BYTES")])
        await self._app(request.scope, _Again(body, request.receive), send)

    async def _check_key(self, request: Request, address: str) -> None:
        self._failed_logins.check(address)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        key = request.headers.get("api-key") or (token if scheme.lower() == "bearer" else "")
        if not self._login.admits(f"{self._login.username}:{key}"):
            if key:
                await self._failed_logins.failed(address)
            raise ServiceError(401, "401", WRONG_KEY)


class _Again:
    """A body that has been read, to be received once more; then what else the client does."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}
