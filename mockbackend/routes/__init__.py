"""The API on one screen: method, path, endpoint, and who may call it."""

from __future__ import annotations

from starlette.routing import Route

from . import chat, conversations, files, health, images, openapi, page
from .auth import Access, Endpoint, Resource

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
    """The routes of the application: one for all methods of a path, so that another is a 405 that names them."""
    by_path: dict[str, dict[str, tuple[Endpoint, Access]]] = {}
    for method, path, endpoint, access in API:
        by_path.setdefault(path, {})[method] = (endpoint, access)
    return [Route(path, Resource(endpoints), methods=list(endpoints)) for path, endpoints in by_path.items()]
