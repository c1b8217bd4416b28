"""POST /chat."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from ..protocol import data_stream
from .access import service, userid
from .body import parse_chat, read_object
from .origin import picture_url
from .stream import EventStream, Framing


async def post(request: Request) -> Response:
    """Begin a turn and stream its answer."""
    here = service(request)
    body = await read_object(request, here.settings.max_body_bytes)
    run = await here.runs.start(userid(request), parse_chat(body), "data", here.beginning)
    url = picture_url(request, here.settings)
    framing = Framing(data_stream.HEADERS, lambda events: data_stream.frame(events, url), data_stream.KEEP_ALIVE)
    headers = {"x-conversation-id": run.turn.conversation_id}
    return EventStream(run, framing, here.settings.keep_alive_seconds, headers)
