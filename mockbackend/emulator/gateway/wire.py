"""Bytes of an answer: JSON, server-sent events, and the headers that Azure sends with each."""

from collections.abc import Mapping

import orjson

from ...mock import drawn

DONE = b"data: [DONE]\n\n"
EVENT_STREAM = "text/event-stream; charset=utf-8"
JSON = "application/json"

# Only for show. A call that meets a limit is a scripted fault.
LIMITS = {
    "x-ratelimit-limit-requests": "1000",
    "x-ratelimit-limit-tokens": "1000000",
    "x-ratelimit-remaining-requests": "999",
    "x-ratelimit-remaining-tokens": "999000",
    "x-ratelimit-reset-requests": "1",
    "x-ratelimit-reset-tokens": "1",
}


def json_bytes(value: Mapping[str, object]) -> bytes:
    return orjson.dumps(value)


def event_bytes(value: Mapping[str, object]) -> bytes:
    """One unnamed event: `data: {json}` and an empty line."""
    return b"data: %b\n\n" % orjson.dumps(value)


def azure_headers(content_type: str) -> dict[str, str]:
    """The headers of every answer. The two request ids differ: the gateway and the model each give their own."""
    return {
        "content-type": content_type,
        "apim-request-id": str(drawn.uuid()),
        "x-request-id": str(drawn.uuid()),
        "x-ms-region": "Sweden Central",
        **LIMITS,
    }
