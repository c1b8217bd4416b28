"""What requests and responses look like, as JSON schemas for the API's description."""

from __future__ import annotations

from typing import Any, get_args

from ..protocol import FRAMINGS
from ..storage import Status
from ..turn.request import MODES
from .auth import USERID_CHARACTERS
from .chat_request import IMAGE_OPTION, MAX_FILE_IDS
from .client_tools import MAX_TOOLS, NAME
from .conversations import MAX_PAGE, QUERY_CHARACTERS, TITLE_CHARACTERS
from .parameters import ID_CHARACTERS, ID_PATTERN

Schema = dict[str, Any]


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: list[str], **properties: Schema) -> Schema:
    return {"type": "object", "required": required, "properties": properties}


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def _response(description: str, schema: Schema) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _body(name: str, media_type: str = "application/json") -> Schema:
    return {"required": True, "content": {media_type: {"schema": _ref(name)}}}


def _query(name: str, schema: Schema, *, required: bool = False) -> Schema:
    return {"name": name, "in": "query", "required": required, "schema": schema}


TEXT: Schema = {"type": "string"}
WORDS: Schema = {"type": "string", "minLength": 1, "pattern": r"\S"}
WORD: Schema = {"type": "string", "pattern": f"^{IMAGE_OPTION.pattern}$"}
INTEGER: Schema = {"type": "integer"}
ID: Schema = {"type": "string", "pattern": f"^{ID_PATTERN.pattern}$", "minLength": 1, "maxLength": ID_CHARACTERS}
USERID: Schema = {"type": "string", "minLength": 1, "maxLength": USERID_CHARACTERS}

TOOL_NAME: Schema = {"pattern": f"^{NAME.pattern}$"}
TOOL: Schema = {
    "description": TEXT,
    "parameters": _object(
        [], type={"const": "object"}, properties={"type": "object", "additionalProperties": _object([])}
    ),
}

COMPONENTS: Schema = {
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
    # Tools that run at the client.
    "ClientTools": {
        "anyOf": [
            {**_list(_object(["name"], name={"type": "string", **TOOL_NAME}, **TOOL)), "maxItems": MAX_TOOLS},
            {
                "type": "object",
                "propertyNames": TOOL_NAME,
                "additionalProperties": _object([], **TOOL),
                "maxProperties": MAX_TOOLS,
            },
        ]
    },
    "ChatRequest": {
        **_object(
            [],
            id=ID,
            conversation_id=ID,
            mode={"enum": [*MODES]},
            message={"anyOf": [WORDS, _ref("Message")]},
            messages={"type": "array", "items": _ref("Message"), "minItems": 1},
            image=_object([], size=WORD, quality=WORD, style=WORD),
            system=TEXT,
            messageId=ID,
            resumable={"type": "boolean"},
            file_ids={"type": "array", "items": ID, "maxItems": MAX_FILE_IDS},
            tools=_ref("ClientTools"),
            approvals={"type": "boolean"},
        ),
        "anyOf": [{"required": ["message"]}, {"required": ["messages"]}],
    },
    "Change": _object(
        [], title={"type": "string", "minLength": 1, "maxLength": TITLE_CHARACTERS}, is_pinned={"type": "boolean"}
    ),
    "Pin": _object(["is_pinned"], is_pinned={"type": "boolean"}),
    "Upload": _object(
        ["files"], files={"type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1}
    ),
    "File": _object(
        ["id", "name", "status", "done", "total", "error", "size", "media_type", "created_at", "notice"],
        id=TEXT,
        name=TEXT,
        status={"enum": [*get_args(Status)]},
        done=INTEGER,
        total=INTEGER,
        error={"type": ["string", "null"]},
        notice={"type": ["string", "null"]},
        size=INTEGER,
        media_type=TEXT,
        created_at=INTEGER,
    ),
    "Usage": _object(
        ["day", "turns", "input_tokens", "output_tokens", "images", "embedding_tokens", "stored_bytes", "limits"],
        day={"type": "string", "format": "date"},
        turns=INTEGER,
        input_tokens=INTEGER,
        output_tokens=INTEGER,
        images=INTEGER,
        embedding_tokens=INTEGER,
        stored_bytes=INTEGER,
        cost={"type": "number"},
        limits={"type": "object", "additionalProperties": {"type": "number"}},
    ),
    "Health": _object(["status", "timestamp", "engine"], status=TEXT, timestamp=TEXT, engine=TEXT),
    "Status": _object(["status"], status=TEXT),
}
_CONVERSATION = COMPONENTS["Conversation"]
_MESSAGES = _list({"type": "object"})

# Request bodies.
CHAT_REQUEST = _body("ChatRequest")
CHANGE = _body("Change")
PIN = _body("Pin")
UPLOAD = _body("Upload", "multipart/form-data")

# Query parameters.
LIMIT = _query("limit", {"type": "integer", "minimum": 1, "maximum": MAX_PAGE})
CURSOR = _query("cursor", TEXT)
SEARCH = _query("q", {"type": "string", "maxLength": QUERY_CHARACTERS})
CHAT_ID = _query("chatId", ID, required=True)
PROTOCOL = _query("protocol", {"enum": [*FRAMINGS]})

# Responses.
ERROR = _response("An error", _ref("Error"))
# Without a schema: the lines of the data stream are not server-sent events, though its media type says so.
STREAM: Schema = {
    "description": "The answer: " + "; ".join(f"with `protocol={one.name}` {one.title}" for one in FRAMINGS.values()),
    "headers": {"X-Conversation-Id": {"schema": TEXT}},
    "content": {one.media_headers["content-type"].partition(";")[0]: {} for one in FRAMINGS.values()},
}
NOTHING: Schema = {"description": "No content"}
NOT_MODIFIED: Schema = {"description": "The client's copy is current"}
CONVERSATION = _response("The conversation's row", _ref("Conversation"))
CONVERSATIONS = _response("A page of conversations", _list(_ref("Conversation")))
MESSAGES = _response(
    "The conversation's row and messages",
    {**_CONVERSATION, "properties": {**_CONVERSATION["properties"], "messages": _MESSAGES}},
)
FILE = _response("The file's row", _ref("File"))
FILES = _response("A row for each file", _list(_ref("File")))
FILE_CONTENT: Schema = {"description": "The file", "content": {"*/*": {}}}
FILE_RANGE: Schema = {"description": "A range of the file", "content": {"*/*": {}}}
USAGE = _response("The caller's day (UTC)", _ref("Usage"))
IMAGE: Schema = {"description": "The image", "content": {"image/*": {}}}
HEALTH = _response("The health of the process", _ref("Health"))
STATUS = _response("The status of the process", _ref("Status"))
METRICS: Schema = {"description": "The metrics as Prometheus reads them", "content": {"text/plain": {}}}
DESCRIPTION = _response("An OpenAPI document", {"type": "object"})
PAGE_FILE: Schema = {
    "description": "The file",
    "content": {kind: {} for kind in ("text/html", "text/css", "text/javascript", "image/svg+xml")},
}
