"""The API on one screen: method, path, endpoint, and who may call it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import chat, conversations, files, health, images, openapi, page
from .access import Access, Endpoint, guarded

API: tuple[tuple[str, str, Endpoint, Access], ...] = (
    ("POST", "/chat", chat.post, "owner"),
    ("GET", "/chat", chat.join_by_query, "owner"),
    ("GET", "/chat/{id}/stream", chat.join, "owner"),
    ("GET", "/conversations", conversations.listing, "owner"),
    ("GET", "/conversations/{id}", conversations.read, "owner"),
    ("PATCH", "/conversations/{id}", conversations.change, "owner"),
    ("DELETE", "/conversations/{id}", conversations.delete, "owner"),
    ("POST", "/conversations/{id}/pin", conversations.pin, "owner"),
    ("POST", "/conversations/{id}/stop", conversations.stop, "owner"),
    ("POST", "/files", files.upload, "owner"),
    ("GET", "/files", files.listing, "owner"),
    ("GET", "/files/{id}", files.read, "owner"),
    ("GET", "/files/{id}/content", files.content, "owner"),
    ("DELETE", "/files/{id}", files.delete, "owner"),
    ("GET", "/images/{token}", images.get, "open"),
    ("GET", "/health", health.health, "login"),
    ("GET", "/livez", health.live, "open"),
    ("GET", "/readyz", health.ready, "open"),
    ("GET", "/openapi.json", openapi.get, "open"),
    ("GET", "/", page.index, "open"),
    ("GET", "/page/{path}", page.file, "open"),
    ("GET", "/page/vendor/{path}", page.vendored, "open"),
)


def routes() -> list[Route]:
    """The routes of the application."""
    paths = dict.fromkeys(path for _, path, _, _ in API)
    return [
        Route(path, guarded_by_method(path), methods=[method for method, p, _, _ in API if p == path]) for path in paths
    ]


def guarded_by_method(path: str) -> Endpoint:
    """One endpoint for all methods of a path, so that another method is a 405 and says which there are."""
    by_method = {method: guarded(endpoint, access) for method, p, endpoint, access in API if p == path}
    by_method.setdefault("HEAD", by_method.get("GET", next(iter(by_method.values()))))

    async def dispatch(request: Request) -> Response:
        return await by_method[request.method](request)

    return dispatch
