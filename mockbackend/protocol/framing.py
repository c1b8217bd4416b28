"""The parts of a framing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..events import Event
from ..messages import Message
from .links import Links

Frame = Callable[[Iterable[Event]], bytes]


class OpenStream(Protocol):
    """What begins a connection. `earlier` are the events that its client has of an answer that now goes on."""

    def __call__(self, links: Links, earlier: Sequence[Event] = ()) -> Frame: ...


@dataclass(frozen=True, slots=True)
class Framing:
    """A wire format for front ends.

    `name` stands in `?protocol=` and in a turn's row. `media_headers` say what a body is. `open_stream` returns the
    function that writes one connection's events, `render_message` writes a stored message. `request_keys` are keys that
    only this framing's clients send with a chat request. `can_approve`: these clients can ask their user for a yes.

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
    open_stream: OpenStream
    render_message: Callable[[Message, Links], dict[str, Any]]
    request_keys: tuple[str, ...] = ()
    can_approve: bool = False
