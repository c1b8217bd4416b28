"""The headers of a stream, in each framing."""

from __future__ import annotations

from mockbackend.protocol import FRAMINGS
from mockbackend.routes.stream import stream_headers

HEADERS = {
    "data": {
        "content-type": "text/event-stream; charset=utf-8",
        "x-vercel-ai-data-stream": "v1",
        "cache-control": "no-cache, no-transform",
        "x-accel-buffering": "no",
    },
    "ui": {
        "content-type": "text/event-stream; charset=utf-8",
        "x-vercel-ai-ui-message-stream": "v1",
        "cache-control": "no-cache, no-transform",
        "x-accel-buffering": "no",
    },
}


def test_the_headers_are_what_front_ends_and_proxies_look_for() -> None:
    assert {name: stream_headers(framing) for name, framing in FRAMINGS.items()} == HEADERS
