"""Conversations: list, read, rename, pin, stop, delete."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing, nullcontext
from functools import partial
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ..concurrency import in_thread
from ..errors import bad_request, not_found
from ..messages import Message
from ..mock import drawn
from ..mock.names import shown
from ..protocol import DEFAULT
from ..storage import Conversation, Cursor
from ..turn.closing import close_waiting
from .auth import get_service, userid
from .body import read_small_object
from .json import JSON, JSONPieces, ListEncoder, Piece
from .origin import links
from .parameters import named_framing, path_conversation

PAGE, MAX_PAGE = 50, 200
# At least so much of a conversation is sent at once.
PIECE_BYTES = 64 * 1024
TITLE_CHARACTERS = 200
BAD_CURSOR = "cursor is invalid. Take it from the Link header of the page before."
# Engines limit patterns; SQLite's LIKE refuses patterns of more than 50,000 bytes.
QUERY_CHARACTERS = 1000


async def listing(request: Request) -> Response:
    """A page of the owner's conversations. The Link header has the URL of the next page."""
    service, limit, query = get_service(request), _limit(request), request.query_params.get("q", "").strip()
    if len(query) > QUERY_CHARACTERS:
        raise bad_request(f"q must have at most {QUERY_CHARACTERS} characters.")
    owner, after = userid(request), _after(request)
    # A search looks through all that was said.
    async with service.long_work.one(owner) if query else nullcontext():
        rows = await service.storage.conversations.page(owner, limit=limit + 1, after=after, query=query)
    headers = {}
    if len(rows) > limit:
        rows = rows[:limit]
        following = request.url.include_query_params(cursor=_cursor(rows[-1]), limit=limit)
        headers["link"] = f'<{following.path}?{following.query}>; rel="next"'
    return JSON([_rendered(row) for row in rows], headers=headers)


async def read(request: Request) -> Response:
    """The row and its messages, as front ends expect them, without an answer that is still running."""
    conversation_id = path_conversation(request)
    await _owned(request, conversation_id)
    pieces = _encoded(request, conversation_id)
    return JSONPieces(pieces, await anext(pieces))


async def _encoded(request: Request, conversation_id: str) -> AsyncGenerator[Piece]:
    """The body, as it is read: no more than a piece is held, whatever the conversation's length."""
    service, owner, encoder = get_service(request), userid(request), ListEncoder("messages")
    framing, reached = named_framing(request) or DEFAULT, links(request, service.settings)

    def encode(messages: list[Message]) -> bytes:
        if drawn.is_still():
            messages = [{**message, "at": drawn.shown_ms(message["at"])} for message in messages]
        return encoder.add(framing.render_message(message, reached) for message in messages)

    body, places = b"", service.reading
    # A piece stays in memory until the client has taken it.
    async with service.reads.one(owner), aclosing(service.follower.read(conversation_id)) as pieces:
        while True:
            async with places.one(owner):
                messages = await anext(pieces, None)
                if messages is not None:
                    if places is service.reading:
                        row = _rendered(await _owned(request, conversation_id))
                        del row["message_count"]
                        body, places = encoder.start(row), service.long_work
                    body += await in_thread(partial(encode, messages), "reading")
            if messages is None:
                # As many as there are: the row counts a running answer as well.
                yield Piece(body + encoder.end({"message_count": encoder.count}), is_last=True)
                return
            if len(body) > PIECE_BYTES:
                yield Piece(body, is_last=False)
                body = b""


async def change(request: Request) -> Response:
    """Rename or pin."""
    body = await read_small_object(request)
    title, is_pinned = body.get("title"), body.get("is_pinned")
    if title is None and is_pinned is None:
        raise bad_request("title or is_pinned is required.")
    if title is not None and (not isinstance(title, str) or not 1 <= len(title.strip()) <= TITLE_CHARACTERS):
        raise bad_request(f"title must be a string of 1 to {TITLE_CHARACTERS} characters.")
    if is_pinned is not None and not isinstance(is_pinned, bool):
        raise bad_request("is_pinned must be true or false.")
    row = await get_service(request).storage.conversations.change(
        userid(request), path_conversation(request), title=title.strip() if title else None, is_pinned=is_pinned
    )
    return _row(row)


async def pin(request: Request) -> Response:
    """Pin or unpin."""
    is_pinned = (await read_small_object(request)).get("is_pinned")
    if not isinstance(is_pinned, bool):
        raise bad_request("is_pinned must be true or false.")
    store = get_service(request).storage.conversations
    return _row(await store.change(userid(request), path_conversation(request), is_pinned=is_pinned))


async def stop(request: Request) -> Response:
    """Stop the running answer, or one that waits, and keep its text. Returns the row once the answer has ended."""
    service, conversation_id = get_service(request), path_conversation(request)
    await _owned(request, conversation_id)
    await service.follower.stop(conversation_id)
    if (row := await _owned(request, conversation_id)).is_waiting:
        await close_waiting(service.storage, service.settings, userid(request), row)
    return JSON(_rendered(await _owned(request, conversation_id)))


async def delete(request: Request) -> Response:
    """Delete the row, the messages and the images."""
    service, conversation_id = get_service(request), path_conversation(request)
    if not await service.storage.conversations.hide(userid(request), conversation_id):
        raise not_found()
    await service.follower.delete(conversation_id)
    return Response(status_code=204)


async def _owned(request: Request, conversation_id: str) -> Conversation:
    row = await get_service(request).storage.conversations.get(userid(request), conversation_id)
    if row is None:
        raise not_found()
    return row


def _row(row: Conversation | None) -> Response:
    if row is None:
        raise not_found()
    return JSON(_rendered(row))


def _rendered(row: Conversation) -> dict[str, Any]:
    """The row as clients see it."""
    fields = dataclasses.asdict(row)
    for name in ("version", "is_waiting"):
        del fields[name]
    fields["id"] = shown(row.id)
    for name in ("created_at", "updated_at"):
        fields[name] = drawn.shown_ms(fields[name])
    return fields


def _limit(request: Request) -> int:
    value = request.query_params.get("limit", str(PAGE))
    if not re.fullmatch(r"[0-9]{1,3}", value) or not 1 <= int(value) <= MAX_PAGE:
        raise bad_request(f"limit must be a number from 1 to {MAX_PAGE}.")
    return int(value)


def _cursor(row: Conversation) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([row.is_pinned, row.updated_at, row.id])).decode()


def _after(request: Request) -> Cursor | None:
    cursor = request.query_params.get("cursor")
    if cursor is None:
        return None
    try:
        value: Any = orjson.loads(base64.urlsafe_b64decode(cursor))
        is_pinned, updated_at, conversation_id = value
    except (binascii.Error, orjson.JSONDecodeError, ValueError, TypeError):
        raise bad_request(BAD_CURSOR) from None
    valid = isinstance(is_pinned, bool) and isinstance(updated_at, int) and abs(updated_at) < 2**63
    if not valid or not isinstance(conversation_id, str):
        raise bad_request(BAD_CURSOR)
    return Cursor(is_pinned, updated_at, conversation_id)
