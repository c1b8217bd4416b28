"""The parts of a framing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ..events import Event
from ..messages import Message
from .links import Links

Frame = Callable[[Iterable[Event]], bytes]


@dataclass(frozen=True, slots=True)
class Framing:
    """A wire format for front ends.

    `name` stands in `?protocol=` and in a turn's row. `media_headers` say what a body is. `open_stream` returns the
    function that writes one connection's events, `render_message` writes a stored message. `request_key` is a key that
    only this framing's clients send with a chat request.

    For the mock, which breaks streams: `frame_end` ends each frame, `tool_results` begin those with a tool's result,
    and `unknown` is one that no client knows.
    """

    name: str
    title: str
    media_headers: dict[str, str]
    keep_alive: bytes
    frame_end: bytes
    tool_results: tuple[bytes, ...]
    unknown: bytes
    open_stream: Callable[[Links], Frame]
    render_message: Callable[[Message, Links], dict[str, Any]]
    request_key: str | None = None
