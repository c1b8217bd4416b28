"""The window of the history in a request: what the store keeps as bytes goes out as it is, the rest is made now.

Bytes are kept of an exchange that is the same in every later request, whatever stands before and after it. So what
takes part in the order of messages with its neighbours, and what depends on the moment, has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import orjson

from ...messages import Message, open_calls, without_commands
from ...settings import Settings
from ...storage import Exchange
from .alternation import Wire, in_turn, system_messages
from .request import LoadImage, newest_images, said
from .splicing import Spliced, expanded

PIECE_BYTES = 1024 * 1024
NEXT: Wire = {"role": "user", "content": "?"}


def shape_of(settings: Settings) -> str:
    """The kind of bytes that requests are made of: the emulator gets no lines that are for the mock."""
    return "emulator" if settings.engine == "emulator" else "chat"


def kept(exchange: Exchange, shape: str) -> Exchange:
    """The exchange with the bytes of that shape, if it has any."""
    question, *_ = messages = _meant(exchange.messages, shape)
    if not exchange.has_question or any(part["type"] == "picture" for part in question["parts"]):
        return exchange
    if any(map(open_calls, messages)):
        # It changes when its client answers.
        return exchange
    sent = said(messages, {})
    if sent and sent[0]["role"] != "user":
        return exchange
    wire = orjson.dumps(_closed(sent))[1:-1]
    return exchange._replace(wire=wire, shape=shape, kept_tokens=exchange.tokens, kept_sent=exchange.sent)


async def window_messages(
    window: list[Exchange], systems: list[str], load_image: LoadImage, shape: str
) -> list[Wire | Spliced]:
    """The request's `messages`: the system's, then the window, which ends with a question or a tool's result."""
    made = {one.position: _meant(one.messages, shape) for one in window if one.wire is None}
    images = await newest_images([message for messages in made.values() for message in messages], load_image)
    sent: list[Wire | Spliced] = []
    # What follows the last kept one.
    rest: list[Wire] = []
    for is_kept, some in groupby(window, lambda one: one.wire is not None):
        if is_kept:
            sent += _closed(rest)
            rest = []
            sent += _pieces([one.wire for one in some if one.wire])
            continue
        for one in some:
            messages = said(made[one.position], images)
            if messages and messages[0]["role"] != "user" and sent and not rest:
                # It goes on with the answer before it.
                sent, rest = [], expanded(sent)
            rest += messages
    return [*system_messages(systems), *sent, *in_turn(rest)]


def _pieces(wires: list[bytes]) -> Iterator[Spliced]:
    """These, some joined to a piece: each costs the encoder a call, and no other thread runs while one is decoded."""
    piece, size = list[bytes](), 0
    for wire in wires:
        piece.append(wire)
        size += len(wire)
        if size > PIECE_BYTES:
            yield Spliced(b",".join(piece))
            piece, size = [], 0
    if piece:
        yield Spliced(b",".join(piece))


def _closed(messages: list[Wire]) -> list[Wire]:
    """The messages in turn, so that a question may follow."""
    return in_turn([*messages, NEXT])[:-1] if messages else []


def _meant(messages: list[Message], shape: str) -> list[Message]:
    return [without_commands(message) for message in messages] if shape == "emulator" else messages
