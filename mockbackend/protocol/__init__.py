"""The wire: how events and stored messages are framed for a front end.

`data` is AI SDK 4's data stream, `ui` the UI message stream of 5 to 7. A framing is one module for the stream and one
for stored messages; nothing else knows how many there are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard

from ..events import Event
from ..messages import Message
from .data_stream import messages as data_messages
from .data_stream import stream as data_stream
from .links import Links
from .ui_stream import messages as ui_messages
from .ui_stream import stream as ui_stream

Protocol = Literal["data", "ui"]


@dataclass(frozen=True, slots=True)
class Framing:
    """How one connection's stream is written: its headers, its events, its keep-alive."""

    headers: dict[str, str]
    frame: Callable[[list[Event]], bytes]
    keep_alive: bytes


def is_protocol(name: object) -> TypeGuard[Protocol]:
    """Whether there is a framing of that name."""
    return name in ("data", "ui")


def framing(protocol: Protocol, links: Links) -> Framing:
    """The framing of one stream. `links` makes its absolute URLs."""
    if protocol == "ui":
        stream = ui_stream.UIStream(links)
        return Framing(ui_stream.HEADERS, stream.frame, ui_stream.KEEP_ALIVE)
    return Framing(data_stream.HEADERS, lambda events: data_stream.frame(events, links), data_stream.KEEP_ALIVE)


def render_message(protocol: Protocol, message: Message, links: Links) -> dict[str, Any]:
    """A stored message as that protocol's front ends take it back."""
    if protocol == "ui":
        return ui_messages.render_message(message, links)
    return data_messages.render_message(message, links)
