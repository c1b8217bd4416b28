"""POST /chat, and joining an answer that is running."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from .. import tracing
from ..concurrency import in_thread
from ..errors import bad_request, unusable
from ..events import Event
from ..messages import text_of
from ..mock import drawn
from ..mock.names import shown
from ..mock.script.asked import split_message
from ..protocol import FRAMINGS, Framing
from ..protocol.data_stream import DATA_STREAM
from ..storage import Storage, Turn
from ..turn.placement import Outline, place
from ..turn.request import ChatRequest
from ..turn.run import Reader
from .auth import get_service, userid
from .body import read_body
from .chat_request import parse_chat, read_files
from .front_call import call_of, stored_name
from .mocking import ask_by_rule, ask_in_message
from .origin import links
from .parameters import check_id, named_framing, path_conversation
from .service import Service
from .stream import EventStream, stream_headers

LARGE_BYTES = 64 * 1024


async def post(request: Request) -> Response:
    """Begin a turn and stream its answer."""
    service, owner, named = get_service(request), userid(request), named_framing(request)
    with service.incoming.body(owner) as count:
        raw = await read_body(request, service.settings.max_body_bytes, "MAX_BODY_BYTES", count)
        tracing.join_trace(request.headers)
        # What is parsed of a large body stays in memory until the turn begins.
        async with service.large_bodies.one(owner) if len(raw) > LARGE_BYTES else nullcontext():
            chat, framing = _stored(request, *await _parsed(service, owner, raw, named))
            if instead := await _instead(request, owner, chat):
                return instead
            run = await service.runner.start(owner, chat, framing.name)
    if call := call_of(request):
        call.follow(run.turn.turn_id, run)
    known = run.known
    reader = Reader(run, known)
    try:
        # First the request leaves, then the head of our response, which is made while the model thinks.
        await run.until_asked()
    except BaseException:
        reader.close()
        raise
    return _stream(request, run.turn.conversation_id, reader, framing, "own", earlier=run.events[:known])


async def join(request: Request) -> Response:
    """Stream the running answer from its beginning, in the framing it began in unless another is named; 204 if none."""
    conversation_id = path_conversation(request)
    named = named_framing(request)
    followed = await _running(request, conversation_id)
    if followed is None:
        return Response(status_code=204)
    turn, source = followed
    framing = named or FRAMINGS.get(turn.framing)
    if framing is None:
        source.close()
        # Begun by a newer version, or a damaged row: its client would not understand another framing.
        raise unusable(f"protocol: this answer began in one that is not known here. Name {' or '.join(FRAMINGS)}.")
    return _stream(request, conversation_id, source, framing, "joined")


async def join_by_query(request: Request) -> Response:
    """The same for AI SDK 4, which takes a 204 for an error: an empty stream if no answer is running."""
    conversation_id = request.query_params.get("chatId")
    if conversation_id is None:
        raise bad_request("chatId is missing: name a conversation, as in /chat?chatId=trip.")
    followed = await _running(request, stored_name(request, check_id(conversation_id, "chatId")))
    if followed is None:
        return Response(headers=stream_headers(DATA_STREAM))
    return _stream(request, conversation_id, followed[1], DATA_STREAM, "joined")


async def _parsed(service: Service, owner: str, raw: bytes, named: Framing | None) -> tuple[ChatRequest, Framing]:
    """The request that a body is, with the texts of its files."""
    settings = service.settings
    if len(raw) <= LARGE_BYTES:
        chat, spoken = parse_chat(raw, settings, named)
        if chat.goes_on or not chat.messages[-1].attachments:
            return read_files(chat, settings), spoken
    # To find the encoding of one file takes a tenth of a second.
    async with service.long_work.one(owner):
        if len(raw) > LARGE_BYTES:
            chat, spoken = await in_thread(lambda: parse_chat(raw, settings, named), "parsing")
        return await in_thread(lambda: read_files(chat, settings), "reading"), spoken


def _stored(request: Request, chat: ChatRequest, framing: Framing) -> tuple[ChatRequest, Framing]:
    """The request with its conversation as it is stored, which a scenario decides."""
    if call_of(request) is None:
        return chat, framing
    stored = stored_name(request, chat.conversation_id or str(drawn.uuid()))
    return dataclasses.replace(chat, conversation_id=stored), framing


async def _instead(request: Request, owner: str, chat: ChatRequest) -> Response | None:
    """The response in place of a turn, if a line of the message or a rule of the mock wants one."""
    service, call, turn = get_service(request), call_of(request), None
    text = chat.text
    if call and chat.goes_on and not chat.messages:
        text = await _last_question(service.storage, owner, chat)
    if instead := ask_in_message(request, service, text, chat.mode):
        return instead
    if call is None:
        return None
    if call.has_wire:
        turn = await _number_of_turn(service.storage, owner, chat)
    return ask_by_rule(request, split_message(text)[1], chat.mode, turn)


async def _last_question(storage: Storage, owner: str, chat: ChatRequest) -> str:
    """What the user wrote last, where the list has only what follows it."""
    stored = await storage.conversations.get(owner, chat.conversation_id or "")
    history = await storage.history.read(stored.id) if stored else []
    return next((text_of(message) for message in reversed(history) if message["role"] == "user"), "")


async def _number_of_turn(storage: Storage, owner: str, chat: ChatRequest) -> int:
    """How many of the user's messages there are up to the new one, where that is to go."""
    stored = await storage.conversations.get(owner, chat.conversation_id or "")
    if stored is None or not stored.message_count:
        # A list sent with a new conversation becomes its history.
        return sum(message.role == "user" for message in chat.messages)
    history = await storage.history.read(stored.id)
    return sum(message["role"] == "user" for message in history[: place(chat, Outline.of(chat, history))]) + 1


async def _running(request: Request, conversation_id: str) -> tuple[Turn, Reader] | None:
    service = get_service(request)
    if await service.storage.conversations.get(userid(request), conversation_id) is None:
        return None
    followed = await service.follower.follow(conversation_id)
    if followed and (call := call_of(request)):
        call.follow(followed[0].turn_id)
    return followed


def _stream(
    request: Request,
    conversation_id: str,
    source: Reader,
    framing: Framing,
    kind: Literal["own", "joined"],
    *,
    earlier: Sequence[Event] = (),
) -> Response:
    settings = get_service(request).settings
    headers = {"x-conversation-id": shown(conversation_id)}
    return EventStream(
        source, framing, links(request, settings), settings.keep_alive_seconds, headers, kind=kind, earlier=earlier
    )
