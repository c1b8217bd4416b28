"""Parts of a request that stay as bytes, and go out as they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from .alternation import Wire


class Spliced:
    """Messages of a request as JSON: objects with commas between them."""

    __slots__ = ("json",)

    def __init__(self, json: bytes) -> None:
        self.json = json


def encoded(request: Wire) -> bytes:
    """The request as JSON."""
    return orjson.dumps(request, default=_as_it_is)


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


def _as_it_is(part: Any) -> orjson.Fragment:
    if isinstance(part, Spliced):
        return orjson.Fragment(part.json)
    raise TypeError(f"no JSON can be made of {type(part).__name__}")
