"""GET /openapi.json: the API for machines, written by hand; a test holds it against the routes."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..protocol import FRAMINGS
from .json import JSON

Schema = dict[str, Any]


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: list[str], **properties: Schema) -> Schema:
    return {"type": "object", "required": required, "properties": properties}


def _json(description: str, schema: Schema) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


TEXT: Schema = {"type": "string"}
WORDS: Schema = {"type": "string", "minLength": 1, "pattern": r"\S"}
WORD: Schema = {"type": "string", "pattern": "^[a-z0-9-]{1,32}$"}
INTEGER: Schema = {"type": "integer"}
ID: Schema = {"type": "string", "pattern": r"^[!-.0-\[\]-~]{1,256}$", "minLength": 1, "maxLength": 256}
# No schema: the lines of the data stream are not server-sent events, though its media type says so.
STREAM: Schema = {
    "description": "The answer: " + "; ".join(f"with `protocol={one.name}` {one.title}" for one in FRAMINGS.values()),
    "headers": {"X-Conversation-Id": {"schema": TEXT}},
    "content": {one.media_headers["content-type"].partition(";")[0]: {} for one in FRAMINGS.values()},
}
NO_CONTENT: Schema = {"description": "Nothing to tell"}
PAGE_FILE: Schema = {
    "description": "The file",
    "content": {kind: {} for kind in ("text/html", "text/css", "text/javascript", "image/svg+xml")},
}
ROW = _json("The conversation's row", _ref("Conversation"))

SCHEMAS: Schema = {
    "Error": _object(["error"], error=_object(["code", "message"], code=TEXT, message=TEXT)),
    "Conversation": _object(
        ["id", "title", "is_pinned", "created_at", "updated_at", "message_count"],
        id=TEXT,
        title=TEXT,
        is_pinned={"type": "boolean"},
        created_at=INTEGER,
        updated_at=INTEGER,
        message_count=INTEGER,
    ),
    # Front ends send more than this: parts, attachments, content as a list.
    "Message": _object(["role", "content"], id=ID, role={"enum": ["user", "assistant", "system"]}, content=WORDS),
    "ChatRequest": {
        **_object(
            [],
            id=ID,
            conversation_id=ID,
            mode={"enum": ["chat", "image"]},
            message={"anyOf": [WORDS, _ref("Message")]},
            messages={"type": "array", "items": _ref("Message"), "minItems": 1},
            image=_object([], size=WORD, quality=WORD, style=WORD),
            system=TEXT,
            messageId=ID,
            resumable={"type": "boolean"},
            file_ids={"type": "array", "items": ID, "maxItems": 1000},
        ),
        "anyOf": [{"required": ["message"]}, {"required": ["messages"]}],
    },
    "Change": _object([], title={"type": "string", "minLength": 1, "maxLength": 200}, is_pinned={"type": "boolean"}),
    "Pin": _object(["is_pinned"], is_pinned={"type": "boolean"}),
    "Upload": _object(
        ["files"], files={"type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1}
    ),
    "File": _object(
        ["id", "name", "status", "done", "total", "error", "size", "media_type", "created_at"],
        id=TEXT,
        name=TEXT,
        status={"enum": ["queued", "extracting", "embedding", "ready", "failed"]},
        done=INTEGER,
        total=INTEGER,
        error={"type": ["string", "null"]},
        size=INTEGER,
        media_type=TEXT,
        created_at=INTEGER,
    ),
    "Health": _object(["status", "timestamp", "engine"], status=TEXT, timestamp=TEXT, engine=TEXT),
    "Status": _object(["status"], status=TEXT),
}
READ = {
    **SCHEMAS["Conversation"],
    "properties": {**SCHEMAS["Conversation"]["properties"], "messages": {"type": "array", "items": {"type": "object"}}},
}
PAGE = {"type": "array", "items": _ref("Conversation")}
FILES = {"type": "array", "items": _ref("File")}
CONTENT: Schema = {"content": {"*/*": {}}}
# What else than JSON a request's body is.
BODY_TYPES = {"Upload": "multipart/form-data"}

# Path, method, summary, request body, query parameters, answers by status.
CALLS: tuple[tuple[str, str, str, str | None, tuple[str, ...], dict[int, Schema]], ...] = (
    ("/chat", "post", "Begin a turn and stream its answer", "ChatRequest", ("protocol",), {200: STREAM}),
    ("/chat", "get", "Join the running answer, as AI SDK 4 asks", None, ("chatId",), {200: STREAM}),
    ("/chat/{id}/stream", "get", "Join the running answer", None, ("protocol",), {200: STREAM, 204: NO_CONTENT}),
    ("/conversations", "get", "List conversations", None, ("limit", "cursor", "q"), {200: _json("A page", PAGE)}),
    ("/conversations/{id}", "get", "Read a conversation", None, ("protocol",), {200: _json("Row and messages", READ)}),
    ("/conversations/{id}", "patch", "Rename or pin", "Change", (), {200: ROW}),
    ("/conversations/{id}", "delete", "Delete a conversation", None, (), {204: NO_CONTENT}),
    ("/conversations/{id}/pin", "post", "Pin or unpin", "Pin", (), {200: ROW}),
    ("/conversations/{id}/stop", "post", "Stop the running answer", None, (), {200: ROW}),
    ("/files", "post", "Upload files, to be indexed", "Upload", (), {202: _json("A row for each file", FILES)}),
    ("/files", "get", "List files", None, (), {200: _json("All of them", FILES)}),
    ("/files/{id}", "get", "Read a file's row", None, (), {200: _json("The file's row", _ref("File"))}),
    (
        "/files/{id}/content",
        "get",
        "A file's bytes",
        None,
        (),
        {200: {"description": "The file", **CONTENT}, 206: {"description": "A range of it", **CONTENT}},
    ),
    ("/files/{id}", "delete", "Delete a file", None, (), {204: NO_CONTENT}),
    (
        "/images/{token}",
        "get",
        "A stored image",
        None,
        (),
        {200: {"description": "The image", "content": {"image/*": {}}}},
    ),
    ("/health", "get", "How the process is", None, (), {200: _json("Health", _ref("Health"))}),
    ("/livez", "get", "The process is up", None, (), {200: _json("Live", _ref("Status"))}),
    ("/readyz", "get", "The process can serve", None, (), {200: _json("Ready", _ref("Status"))}),
    ("/openapi.json", "get", "This description", None, (), {200: _json("OpenAPI", {"type": "object"})}),
    ("/", "get", "The chat page", None, (), {200: PAGE_FILE, 304: NO_CONTENT}),
    ("/page/{path}", "get", "A file of the chat page", None, (), {200: PAGE_FILE, 304: NO_CONTENT}),
    ("/page/vendor/{path}", "get", "A library of the chat page", None, (), {200: PAGE_FILE, 304: NO_CONTENT}),
)
OPEN = {"/images/{token}", "/livez", "/readyz", "/openapi.json", "/", "/page/{path}", "/page/vendor/{path}"}
WITHOUT_USERID = OPEN | {"/health"}
QUERY: Schema = {
    "limit": {"type": "integer", "minimum": 1, "maximum": 200},
    "cursor": TEXT,
    "q": {"type": "string", "maxLength": 1000},
    "chatId": ID,
    "protocol": {"enum": [*FRAMINGS]},
}


def description() -> Schema:
    """The OpenAPI document."""
    paths: dict[str, Schema] = {}
    for path, method, summary, body, query, answers in CALLS:
        operation: Schema = {
            "summary": summary,
            "operationId": f"{method} {path}",
            "parameters": _parameters(path, query),
            "security": [] if path in OPEN else [{"basic": []}],
            "responses": {
                **{str(status): answer for status, answer in answers.items()},
                "default": _json("An error", _ref("Error")),
            },
        }
        if body:
            media_type = BODY_TYPES.get(body, "application/json")
            operation["requestBody"] = {"required": True, "content": {media_type: {"schema": _ref(body)}}}
        paths.setdefault(path, {})[method] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Mock Backend", "version": "1"},
        "paths": paths,
        "components": {"schemas": SCHEMAS, "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}}},
    }


def _parameters(path: str, query: tuple[str, ...]) -> list[Schema]:
    parameters = [{"name": name, "in": "query", "required": name == "chatId", "schema": QUERY[name]} for name in query]
    for name, schema in (("id", ID), ("token", TEXT), ("path", TEXT)):
        if f"{{{name}}}" in path:
            parameters.append({"name": name, "in": "path", "required": True, "schema": schema})
    if path not in WITHOUT_USERID:
        userid = {"type": "string", "minLength": 1, "maxLength": 256}
        parameters.append({"name": "userid", "in": "header", "required": True, "schema": userid})
    return parameters


async def get(request: Request) -> Response:
    """The description."""
    return JSON(description())
