"""The identity endpoint of App Service, and a gate before the emulator that takes only the tokens of that."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self, cast
from urllib.parse import parse_qs, urlsplit

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.harness.emulator import Emulator

Mode = Literal["token", "silent", "html", "no identity", "broken"]
SECRET = "header-of-the-identity"
COGNITIVE, FOUNDRY, SEARCH = (
    "https://cognitiveservices.azure.com",
    "https://ai.azure.com",
    "https://search.azure.com",
)
PAGES: Mapping[Mode, tuple[int, str, bytes]] = {
    "html": (200, "text/html", b"<html>Sign in</html>"),
    "no identity": (400, "application/json", b'{"error":"invalid_request","error_description":"Identity not found"}'),
    "broken": (200, "application/json", b'{"token": 1}'),
}


class _Handler(BaseHTTPRequestHandler):
    server: IdentityEndpoint

    def do_GET(self) -> None:
        endpoint = self.server
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        if self.headers.get("x-identity-header") != SECRET:
            self._send(401, "application/json", b"{}")
            return
        endpoint.asked.append(query)
        mode = endpoint.mode
        if mode == "silent":
            endpoint.over.wait(60)
        elif mode != "token":
            self._send(*PAGES[mode])
        else:
            self._send(200, "application/json", orjson.dumps(endpoint.issue(query["resource"], query)))

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class IdentityEndpoint(ThreadingHTTPServer):
    """Gives tokens that look like Entra's, of `seconds` each. `asked` holds what was asked for."""

    daemon_threads = True

    def __init__(self, seconds: float = 3600.0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.mode: Mode = "token"
        self.seconds = seconds
        # What its tokens are for, and yet not good for.
        self.refused_audience = ""
        self.asked: list[dict[str, str]] = []
        # Audience and end of each token.
        self.issued: dict[str, tuple[str, float]] = {}
        self.over = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which App Service tells of it."""
        return {
            "IDENTITY_ENDPOINT": f"http://127.0.0.1:{self.server_address[1]}/msi/token",
            "IDENTITY_HEADER": SECRET,
            "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
        }

    def issue(self, audience: str, query: Mapping[str, str]) -> dict[str, str]:
        """A new token, as the endpoint gives it."""
        claims = {
            "aud": audience,
            "oid": "object-1",
            "appid": query.get("client_id", "client-1"),
            "xms_mirid": "/subscriptions/s/providers/Microsoft.Web/sites/team",
            "jti": str(len(self.issued)),
        }
        token = ".".join(_part(part) for part in ({"alg": "RS256", "typ": "JWT"}, claims, {"signature": 1}))
        self.issued[token] = (audience, time.time() + self.seconds)
        end = int(time.time() + self.seconds)
        return {"access_token": token, "expires_on": str(end), "resource": audience, "token_type": "Bearer"}


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()


@dataclass
class Gate:
    """What Entra's guards do before the emulator: 401 unless the token is a good one for this path's audience."""

    app: ASGIApp
    identity: IdentityEndpoint
    # What is accepted on each surface; an identity without a role is refused with other words.
    dated: frozenset[str] = frozenset({COGNITIVE})
    v1: frozenset[str] = frozenset({COGNITIVE, FOUNDRY})
    has_role: bool = True
    seen: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass, or refuse it."""
        refusal = self._refusal(scope)
        if refusal:
            await _refuse(send, *refusal)
        else:
            await self.app(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, Any] | None:
        if scope["type"] != "http" or scope["path"].startswith(("/emulator/", "/__mock__/")):
            return None
        headers = dict(scope["headers"])
        assert b"api-key" not in headers, "a key beside the token"
        token = headers.get(b"authorization", b"").decode().removeprefix("Bearer ")
        audience, end = self.identity.issued.get(token, ("", 0.0))
        path: str = scope["path"]
        is_search = path.startswith("/indexes")
        wanted = {SEARCH} if is_search else self.v1 if path.startswith("/openai/v1") else self.dated
        if audience not in wanted - {self.identity.refused_audience} or time.time() > end:
            words = "Unauthorized. Access token is missing, invalid, audience is incorrect, or have expired."
            return 403 if is_search else 401, {"statusCode": 401, "message": words}
        if not self.has_role:
            words = "Principal does not have access to API/Operation."
            return 403 if is_search else 401, {"error": {"code": "PermissionDenied", "message": words}}
        self.seen.append(token)
        return None


async def _refuse(send: Send, status: int, body: Any) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": orjson.dumps(body)})


class GuardedEmulator(Emulator):
    """The emulator behind the gate."""

    def __init__(self, identity: IdentityEndpoint) -> None:
        super().__init__()
        self.gate = Gate(self._app, identity)
        self._app = cast("Any", self.gate)

    def keyless(self, version: str = "2024-10-21", *, search: bool = False, **deployments: str) -> dict[str, str]:
        """The settings of a service that asks it with the tokens."""
        found = {name: value for name, value in self.settings(version, **deployments).items() if "KEY" not in name}
        found |= {"AZURE_OPENAI_AUTH": "entra", **self.gate.identity.environment}
        if search:
            found |= {"AZURE_SEARCH_ENDPOINT": self.url, "AZURE_SEARCH_INDEX_NAME": "docs"}
        return found
