"""Which protocol a request speaks."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from ..errors import bad_request
from ..protocol import Protocol, is_protocol


def named_protocol(request: Request) -> Protocol | None:
    """What `?protocol=` says, where it says something."""
    name = request.query_params.get("protocol")
    if name is None:
        return None
    if not is_protocol(name):
        raise bad_request("protocol must be data or ui.")
    return name


def spoken_protocol(request: Request, body: dict[str, Any]) -> Protocol:
    """What `?protocol=` says; else `ui` for a body of AI SDK 5 and later, which has a `trigger`."""
    return named_protocol(request) or ("ui" if "trigger" in body else "data")
