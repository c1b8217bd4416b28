"""The wire: how events and stored messages are written for front ends, in one table of framings."""

from __future__ import annotations

from collections.abc import Container

from .assistant_ui import ASSISTANT_UI, ASSISTANT_UI_STREAM
from .data_stream import DATA_STREAM
from .framing import Framing as Framing
from .ui_stream import UI_STREAM

FRAMINGS = {framing.name: framing for framing in (DATA_STREAM, UI_STREAM, ASSISTANT_UI)}
DEFAULT = DATA_STREAM
# The headers that tell a browser's script which framing it reads.
STREAM_HEADERS = tuple(
    dict.fromkeys(name for framing in FRAMINGS.values() for name in framing.media_headers if name.startswith("x-"))
)


def framing_of(body: Container[str]) -> Framing:
    """The framing of the clients that send such a chat request."""
    return next((framing for framing in FRAMINGS.values() if any(key in body for key in framing.request_keys)), DEFAULT)


def framing_for(body: Container[str], named: Framing | None) -> Framing:
    """The framing of its answer: the one that is named, as such a client reads it, or the client's own."""
    own = framing_of(body)
    if named is None:
        return own
    return ASSISTANT_UI_STREAM if named is UI_STREAM and own is ASSISTANT_UI else named
