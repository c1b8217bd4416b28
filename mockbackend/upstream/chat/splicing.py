"""Parts of a request that stay as bytes, and go out as they are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import orjson

from ...messages import is_much
from .alternation import Wire

# orjson writes that in a few milliseconds.
LARGE_BYTES = 2 * 1024 * 1024
T = TypeVar("T")


class Spliced:
    """Messages of a request as JSON: objects with commas between them."""

    __slots__ = ("json",)

    def __init__(self, json: bytes) -> None:
        self.json = json


def encoded(request: Wire) -> bytes:
    """The request as JSON."""
    return orjson.dumps(request, default=_as_it_is)


def is_large(request: Wire) -> bool:
    """Whether others would notice that a request is encoded in one call, in which no other thread runs."""
    return sum(map(_size, request.get("messages", ()))) > LARGE_BYTES


def encoded_by_message(request: Wire, name: str = "messages") -> bytes:
    """The same, message by message; `name` is the key that has them."""
    head, opening, rest = encoded({**request, name: []}).partition(f'"{name}":['.encode())
    messages = [one.json if isinstance(one, Spliced) else orjson.dumps(one) for one in request[name]]
    return b"".join([head, opening, b",".join(messages), rest])


def _size(message: Wire | Spliced) -> int:
    if isinstance(message, Spliced):
        return len(message.json)
    content = message.get("content") or ""
    return len(content) if isinstance(content, str) else sum(map(_size_of_part, content))


def _size_of_part(part: Wire) -> int:
    return len(part["text"] if part["type"] == "text" else part["image_url"]["url"])


def expanded(messages: Iterable[Wire | Spliced]) -> list[Wire]:
    """All messages as objects, which can be read and changed."""
    found: list[Wire] = []
    for message in messages:
        if isinstance(message, Spliced):
            found += orjson.loads(b"[" + message.json + b"]")
        else:
            found.append(message)
    return found


def expand(request: Wire) -> Wire:
    """The request with all its messages as objects."""
    return {**request, "messages": expanded(request["messages"])} if "messages" in request else request


async def of_request(request: Wire, make: Callable[[], T]) -> T:
    """What `make` makes of all messages of the request: on a thread where they are much."""
    messages = request["messages"]
    return await asyncio.to_thread(make) if is_much(len(messages), map(_size, messages)) else make()


def _as_it_is(part: Any) -> orjson.Fragment:
    if isinstance(part, Spliced):
        return orjson.Fragment(part.json)
    raise TypeError(f"no JSON can be made of {type(part).__name__}")
