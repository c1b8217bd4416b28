"""The history as a request has it: exchanges, of which the store keeps the bytes that go out again with each turn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple
from zlib import crc32

import orjson

from ..estimates import estimated_tokens, sent_messages
from ..messages import Message


class Exchange(NamedTuple):
    """A user's message and all that follows it up to the next one's; answers may come before the first.

    `position` is the place of its first message, `length` how many it has. `wire` is what a request has of it, JSON
    objects with commas between them, of the kind that `shape` names. Without it, since it depends on the moment (an
    image) or was not kept, there are the `messages`.
    """

    position: int
    length: int
    messages: list[Message]
    wire: bytes | None = None
    shape: str = ""
    kept_tokens: int = 0
    kept_sent: int = 0

    @property
    def end(self) -> int:
        """The place after its last message."""
        return self.position + self.length

    @property
    def has_question(self) -> bool:
        """Whether it begins with a user's message."""
        return self.wire is not None or self.messages[0]["role"] == "user"

    @property
    def tokens(self) -> int:
        """About how many tokens it takes in a request."""
        return self.kept_tokens if self.wire is not None else sum(map(estimated_tokens, self.messages))

    @property
    def sent(self) -> int:
        """How many messages of a request it can become."""
        return self.kept_sent if self.wire is not None else sum(map(sent_messages, self.messages))


@dataclass(frozen=True, slots=True)
class Window:
    """What a request has room for: the newest exchanges, up to about `tokens` (None: any) and up to `messages`.

    `shape` is the kind of bytes that it is made of.
    """

    shape: str
    tokens: float | None
    messages: int


def exchanges(messages: list[Message], position: int = 0) -> list[Exchange]:
    """These messages, the first of which has that place, as exchanges."""
    starts = [index for index, message in enumerate(messages) if message["role"] == "user" or index == 0]
    return [
        Exchange(position + start, end - start, messages[start:end])
        for start, end in pairwise([*starts, len(messages)])
    ]


class _Room:
    """What a window has left for older exchanges, in tokens (None: any) and messages."""

    def __init__(self, tokens: float | None, messages: int) -> None:
        self._tokens = math.inf if tokens is None else tokens
        self._messages = messages

    def takes(self, tokens: float, messages: int) -> bool:
        """Take one more; whether there was room for it."""
        self._tokens -= tokens
        self._messages -= messages
        return self._tokens >= 0 and self._messages >= 0


KeptRow = tuple[int, int, int, int, int, int | None, bytes | None]
"""Of an exchange: position, count, tokens, messages of a request, whether it is of the window's shape, digest, wire."""


def newest_that_fit(newest: Iterable[KeptRow], length: int, window: Window) -> list[Exchange] | None:
    """Those of a history of this length that fit, the last one always.

    None if one is missing, damaged or of another shape: all messages are read then, and kept again at the turn's end.
    """
    found: list[Exchange] = []
    room = _Room(window.tokens, window.messages)
    try:
        for position, count, its_tokens, its_messages, is_meant, stored, wire in newest:
            if position + count != length:
                return None
            if not room.takes(its_tokens, its_messages) and found:
                return found[::-1]
            if wire is not None and (not is_meant or digest(wire) != stored):
                return None
            found.append(Exchange(position, count, [], wire, window.shape, its_tokens, its_messages))
            length = position
    except TypeError:
        # A row that holds something else.
        return None
    return None if length else found[::-1]


def newest(exchanges: list[Exchange], tokens: float | None, messages: int) -> list[Exchange]:
    """Those that fit in about `tokens` (None: any) and in `messages`, the last one always."""
    room = _Room(tokens, messages)
    for index in reversed(range(len(exchanges))):
        one = exchanges[index]
        # To count the tokens of one without bytes takes a while.
        if not room.takes(0 if tokens is None else one.tokens, one.sent) and index < len(exchanges) - 1:
            return exchanges[index + 1 :]
    return exchanges


def unkept_from(found: Sequence[Exchange]) -> int | None:
    """The place of the first message that is needed, since its exchange has no bytes; None if all have them."""
    return next((one.position for one in found if one.wire is None), None)


def filled(found: list[Exchange], messages: list[Message], start: int) -> list[Exchange] | None:
    """The exchanges, each without bytes with its messages, given from `start` on; None if some are missing."""
    if found[-1].end > start + len(messages):
        return None
    return [
        one if one.wire is not None else one._replace(messages=messages[one.position - start : one.end - start])
        for one in found
    ]


def placed_at(base_length: int, given: Sequence[Exchange]) -> Sequence[Exchange]:
    """What is given at a turn's end, if the turn has that place; else nothing."""
    return given if any(one.position == base_length for one in given) else ()


def listed(rows: Iterable[tuple[int, Any]]) -> list[list[str]] | None:
    """The ids of all exchanges, of rows with place and ids as JSON; None if they do not follow one another."""
    found: list[list[str]] = []
    end = 0
    for position, stored in rows:
        try:
            ids = orjson.loads(stored)
        except ValueError:
            return None
        if position != end or not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
            return None
        found.append(ids)
        end += len(ids)
    return found


def digest(wire: bytes) -> int:
    """What is stored beside the bytes, to tell damaged ones."""
    return crc32(wire)
