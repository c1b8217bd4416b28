"""POST /chat, and joining an answer that runs."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from ..errors import bad_request
from ..protocol import Protocol, framing, is_protocol
from ..protocol.links import Links
from ..storage.embedded.turns import Turn
from ..turn.run import EventSource
from .auth import get_service, userid
from .body import check_id, read_chat
from .origin import links
from .protocol import named_protocol, spoken_protocol
from .stream import EventStream


async def post(request: Request) -> Response:
    """Begin a turn and stream its answer."""
    service = get_service(request)
    chat, body = await read_chat(request, service.settings)
    protocol = spoken_protocol(request, body)
    run = await service.start(userid(request), chat, protocol)
    return _stream(request, run.turn.conversation_id, run.reader(), protocol)


async def join(request: Request) -> Response:
    """Follow the running answer from its beginning, framed as it began; 204 where none runs."""
    conversation_id = check_id(request.path_params["id"], "id")
    named = named_protocol(request)
    followed = await _running(request, conversation_id)
    if followed is None:
        return Response(status_code=204)
    turn, source = followed
    began = turn.framing if is_protocol(turn.framing) else "data"
    return _stream(request, conversation_id, source, named or began)


async def join_by_query(request: Request) -> Response:
    """The same as AI SDK 4 asks for it: an empty stream where none runs, since it takes a 204 for an error."""
    conversation_id = request.query_params.get("chatId")
    if conversation_id is None:
        raise bad_request("chatId is missing.")
    followed = await _running(request, check_id(conversation_id, "chatId"))
    if followed is None:
        return Response(headers=framing("data", Links("")).headers)
    return _stream(request, conversation_id, followed[1], "data")


async def _running(request: Request, conversation_id: str) -> tuple[Turn, EventSource] | None:
    service = get_service(request)
    if await service.storage.conversations.get(userid(request), conversation_id) is None:
        return None
    return await service.follow(conversation_id)


def _stream(request: Request, conversation_id: str, source: EventSource, protocol: Protocol) -> Response:
    settings = get_service(request).settings
    chosen = framing(protocol, links(request, settings))
    return EventStream(source, chosen, settings.keep_alive_seconds, {"x-conversation-id": conversation_id})
