"""The emulator on the service's own port, for other programs. It is there only where it is the engine.

Where the service listens on this machine alone, its own programs may send any key, as to an emulator that runs alone.
From others, who come through a proxy, and elsewhere only the API's password is taken, and wrong keys are slowed down as
wrong logins are.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Send

from ..errors import ServiceError, not_found
from ..settings import Settings
from .body import chunks
from .failed_logins import FailedLogins
from .incoming import IncomingBytes
from .login import Login
from .origin import client_address, is_loopback

# For tests that run the emulator alone: it shows what others have sent.
HIDDEN = "/emulator/"
# An image that was given as a URL: its token is the key.
OPEN = "/generated/"
WRONG_KEY = (
    "The key is wrong. Where the service can be reached from other machines, the emulator takes only its password, "
    "BACKEND_AUTH_PASSWORD, as api-key or bearer token."
)


class EmulatorDoor:
    """The way from the service's port to the emulator. `is_local`: the service listens on this machine alone."""

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        login: Login,
        failed_logins: FailedLogins,
        incoming: IncomingBytes,
        *,
        is_local: bool,
    ) -> None:
        self._app = app
        self._settings = settings
        self._login = login
        self._failed_logins = failed_logins
        self._incoming = incoming
        self._is_local = is_local

    async def serve(self, request: Request, send: Send) -> None:
        """Answer one request below its path; raises ServiceError."""
        path = request.scope["path"].removeprefix(request.scope["root_path"])
        if path.startswith(HIDDEN):
            raise not_found()
        address = client_address(request, self._settings)
        if not path.startswith(OPEN) and not (self._is_local and is_loopback(address)):
            await self._check_key(request, address)
        with self._incoming.body(address) as count:
            body = bytearray()
            async for chunk in chunks(request, self._settings.max_body_bytes, "MAX_BODY_BYTES"):
                count(len(chunk))
                body += chunk
            # What the service says of its own calls nobody else may say.
            headers = [one for one in request.scope["headers"] if one[0] != b"x-mock-call"]
            await self._app({**request.scope, "headers": headers}, _Again(bytes(body), request.receive), send)

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
