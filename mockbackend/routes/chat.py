"""POST /chat, and joining an answer that is running."""

from __future__ import annotations

from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from ..errors import bad_request, unusable
from ..protocol import FRAMINGS, Framing, framing_of
from ..protocol.data_stream import DATA_STREAM
from ..storage import Turn
from ..turn.run import EventSource
from .auth import get_service, userid
from .chat_request import read_chat
from .origin import links
from .parameters import check_id, named_framing, path_id
from .stream import EventStream, stream_headers


async def post(request: Request) -> Response:
    """Begin a turn and stream its answer."""
    service = get_service(request)
    chat, body = await read_chat(request, service.settings)
    framing = named_framing(request) or framing_of(body)
    run = await service.runner.start(userid(request), chat, framing.name)
    return _stream(request, run.turn.conversation_id, run.reader(), framing, "own")


async def join(request: Request) -> Response:
    """Stream the running answer from its beginning, in the framing it began in unless another is named; 204 if none."""
    conversation_id = path_id(request)
    named = named_framing(request)
    followed = await _running(request, conversation_id)
    if followed is None:
        return Response(status_code=204)
    turn, source = followed
    framing = named or FRAMINGS.get(turn.framing)
    if framing is None:
        # Begun by a newer version, or a damaged row: its client would not understand another framing.
        raise unusable(f"protocol: this answer began in one that is not known here. Name {' or '.join(FRAMINGS)}.")
    return _stream(request, conversation_id, source, framing, "joined")


async def join_by_query(request: Request) -> Response:
    """The same for AI SDK 4, which takes a 204 for an error: an empty stream if no answer is running."""
    conversation_id = request.query_params.get("chatId")
    if conversation_id is None:
        raise bad_request("chatId is missing: name a conversation, as in /chat?chatId=trip.")
    followed = await _running(request, check_id(conversation_id, "chatId"))
    if followed is None:
        return Response(headers=stream_headers(DATA_STREAM))
    return _stream(request, conversation_id, followed[1], DATA_STREAM, "joined")


async def _running(request: Request, conversation_id: str) -> tuple[Turn, EventSource] | None:
    service = get_service(request)
    if await service.storage.conversations.get(userid(request), conversation_id) is None:
        return None
    return await service.follower.follow(conversation_id)


def _stream(
    request: Request, conversation_id: str, source: EventSource, framing: Framing, kind: Literal["own", "joined"]
) -> Response:
    settings = get_service(request).settings
    headers = {"x-conversation-id": conversation_id}
    return EventStream(source, framing, links(request, settings), settings.keep_alive_seconds, headers, kind=kind)
