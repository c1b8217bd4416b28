"""POST /chat, and joining an answer that runs."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from ..errors import bad_request
from ..protocol import data_stream
from ..turn.run import EventSource
from .access import service, userid
from .body import check_id, check_length, parse_chat, read_object
from .origin import picture_url
from .stream import EventStream, Framing


async def post(request: Request) -> Response:
    """Begin a turn and stream its answer."""
    here = service(request)
    body = await read_object(request, here.settings.max_body_bytes)
    chat = parse_chat(body)
    check_length(chat, here.settings.max_message_characters)
    run = await here.runs.start(userid(request), chat, "data", here.beginning)
    return _stream(request, run.turn.conversation_id, run.reader())


async def join(request: Request) -> Response:
    """Follow the running answer from its beginning; 204 where none runs."""
    conversation_id = check_id(request.path_params["id"], "id")
    source = await _running(request, conversation_id)
    return Response(status_code=204) if source is None else _stream(request, conversation_id, source)


async def join_by_query(request: Request) -> Response:
    """The same as AI SDK 4 asks for it: an empty stream where none runs, since it takes a 204 for an error."""
    conversation_id = request.query_params.get("chatId")
    if conversation_id is None:
        raise bad_request("chatId is missing.")
    source = await _running(request, check_id(conversation_id, "chatId"))
    if source is None:
        return Response(headers=data_stream.HEADERS)
    return _stream(request, conversation_id, source)


async def _running(request: Request, conversation_id: str) -> EventSource | None:
    here = service(request)
    if await here.storage.conversations.get(userid(request), conversation_id) is None:
        return None
    followed = await here.follow(conversation_id)
    return None if followed is None else followed[1]


def _stream(request: Request, conversation_id: str, source: EventSource) -> Response:
    settings = service(request).settings
    url = picture_url(request, settings)
    framing = Framing(data_stream.HEADERS, lambda events: data_stream.frame(events, url), data_stream.KEEP_ALIVE)
    return EventStream(source, framing, settings.keep_alive_seconds, {"x-conversation-id": conversation_id})
