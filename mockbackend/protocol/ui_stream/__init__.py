"""The UI message stream of AI SDK 5 to 7."""

from __future__ import annotations

from ..framing import Framing
from .messages import render_message
from .stream import KEEP_ALIVE, MEDIA_HEADERS, UIStream

UI_STREAM = Framing(
    name="ui",
    title="the UI message stream of AI SDK 5 to 7, server-sent events",
    media_headers=MEDIA_HEADERS,
    keep_alive=KEEP_ALIVE,
    frame_end=b"\n\n",
    tool_results=(b'data: {"type":"tool-output-available"', b'data: {"type":"tool-output-error"'),
    unknown=b'data: {"type":"unknown"}\n\n',
    open_stream=lambda links, earlier=(): UIStream(links, earlier).frame,
    render_message=render_message,
    request_keys=("trigger",),
    can_approve=True,
)
