"""The service, which forgets what it knows of its engine at a request for that: one serves tests that each teach it."""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mockbackend.app import create_app

service = create_app()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Forget what models have refused, and the heads of requests; any other request is the service's."""
    if scope["type"] == "http" and scope["path"] == "/forget":
        upstream = service.state.service.upstream
        upstream._learned.clear()
        upstream._direct._heads.clear()
        await Response()(scope, receive, send)
    else:
        await service(scope, receive, send)
