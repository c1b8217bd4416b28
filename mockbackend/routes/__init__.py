"""The API in one table: for each route its endpoint, who may call it, and its description."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from . import chat, control, conversations, emulator, files, health, images, metrics, page, schemas, sign_in, usage
from .auth import Access, Endpoint, Resource
from .json import JSON
from .openapi import Operation, describe


async def description(request: Request) -> Response:
    """The API's description."""
    return JSON(describe(API))


# fmt: off
API = (
    Operation("POST", "/chat", chat.post, "owner",
              "Begin a turn and stream its answer", {200: schemas.STREAM}, (schemas.PROTOCOL,), schemas.CHAT_REQUEST),
    Operation("GET", "/chat", chat.join_by_query, "owner",
              "Join the running answer, as AI SDK 4 does", {200: schemas.STREAM}, (schemas.CHAT_ID,)),
    Operation("GET", "/chat/{id}/stream", chat.join, "owner",
              "Join the running answer", {200: schemas.STREAM, 204: schemas.NOTHING}, (schemas.PROTOCOL,)),
    Operation("GET", "/conversations", conversations.listing, "owner",
              "List conversations", {200: schemas.CONVERSATIONS}, (schemas.LIMIT, schemas.CURSOR, schemas.SEARCH)),
    Operation("GET", "/conversations/{id}", conversations.read, "owner",
              "Read a conversation", {200: schemas.MESSAGES}, (schemas.PROTOCOL,)),
    Operation("PATCH", "/conversations/{id}", conversations.change, "owner",
              "Rename or pin a conversation", {200: schemas.CONVERSATION}, (), schemas.CHANGE),
    Operation("DELETE", "/conversations/{id}", conversations.delete, "owner",
              "Delete a conversation", {204: schemas.NOTHING}),
    Operation("POST", "/conversations/{id}/pin", conversations.pin, "owner",
              "Pin or unpin a conversation", {200: schemas.CONVERSATION}, (), schemas.PIN),
    Operation("POST", "/conversations/{id}/stop", conversations.stop, "owner",
              "Stop the running answer", {200: schemas.CONVERSATION}),
    Operation("POST", "/files", files.upload, "owner",
              "Upload files and index them", {202: schemas.FILES}, (), schemas.UPLOAD),
    Operation("GET", "/files", files.listing, "owner",
              "List files", {200: schemas.FILES}),
    Operation("GET", "/files/{id}", files.read, "owner",
              "Read a file's row", {200: schemas.FILE}),
    Operation("GET", "/files/{id}/content", files.content, "owner",
              "Download a file", {200: schemas.FILE_CONTENT, 206: schemas.FILE_RANGE, 304: schemas.NOT_MODIFIED}),
    Operation("DELETE", "/files/{id}", files.delete, "owner",
              "Delete a file", {204: schemas.NOTHING}),
    Operation("GET", "/usage", usage.today, "owner",
              "Read what was spent today, and stored", {200: schemas.USAGE}),
    Operation("GET", "/images/{token}", images.get, "open",
              "Read a stored image", {200: schemas.IMAGE}),
    Operation("GET", "/health", health.health, "login",
              "Read the health of the process", {200: schemas.HEALTH}),
    Operation("GET", "/livez", health.live, "open",
              "Check that the process is up", {200: schemas.STATUS}),
    Operation("GET", "/readyz", health.ready, "open",
              "Check that the process can serve", {200: schemas.STATUS}),
    Operation("GET", "/metrics", metrics.read, "login",
              "Read what the service counts and measures", {200: schemas.METRICS}),
    Operation("GET", "/openapi.json", description, "open",
              "Read this description", {200: schemas.DESCRIPTION}),
    Operation("GET", "/", page.index, "open",
              "The chat page", {200: schemas.PAGE_FILE, 304: schemas.NOT_MODIFIED}),
    Operation("GET", "/page/{path}", page.file, "open",
              "A file of the chat page", {200: schemas.PAGE_FILE, 304: schemas.NOT_MODIFIED}),
    Operation("GET", "/page/vendor/{path}", page.vendored, "open",
              "A library of the chat page", {200: schemas.PAGE_FILE, 304: schemas.NOT_MODIFIED}),
)
# fmt: on


def routes() -> list[BaseRoute]:
    """The application's routes: one for all methods of a path, so that any other method is a 405 that names them."""
    by_path: dict[str, dict[str, tuple[Endpoint, Access]]] = {}
    for operation in API:
        by_path.setdefault(operation.path, {})[operation.method] = (operation.endpoint, operation.access)
    # The page's own, and no part of what front ends are promised.
    by_path[sign_in.PATH] = {"POST": (sign_in.sign_in, "open")}
    own = [Route(path, Resource(path, endpoints), methods=list(endpoints)) for path, endpoints in by_path.items()]
    return [
        *own,
        Mount(emulator.PATH, emulator.serve_emulator),
        Route(f"{control.PREFIX}{{path:path}}", control.ControlAPI()),
    ]
