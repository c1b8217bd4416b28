"""The data stream of AI SDK 4."""

from __future__ import annotations

from functools import partial

from ..framing import Framing
from .messages import render_message
from .stream import KEEP_ALIVE, MEDIA_HEADERS, frame

DATA_STREAM = Framing(
    name="data",
    title="the data stream of AI SDK 4, one line `CODE:JSON` for each event",
    media_headers=MEDIA_HEADERS,
    keep_alive=KEEP_ALIVE,
    frame_end=b"\n",
    tool_results=(b"a:",),
    unknown=b'z:{"unknown":true}\n',
    open_stream=lambda links, earlier=(): partial(frame, links=links),
    render_message=render_message,
)
