"""What a request's path and query name: ids, and the framing of the answer."""

from __future__ import annotations

import re

from starlette.requests import Request

from ..errors import bad_request
from ..protocol import FRAMINGS, Framing

ID = re.compile(r"[!-.0-\[\]-~]{1,256}")


def check_id(value: object, field: str) -> str:
    """The id of a conversation, message or file: 1 to 256 visible ASCII characters without / and \\."""
    if not isinstance(value, str) or not ID.fullmatch(value) or value in (".", ".."):
        raise bad_request(f"{field} must be a string of 1 to 256 visible ASCII characters, without / and \\.")
    return value


def path_id(request: Request) -> str:
    """The id in the request's path."""
    return check_id(request.path_params["id"], "id")


def named_framing(request: Request) -> Framing | None:
    """The framing that `?protocol=` names, if any."""
    name = request.query_params.get("protocol")
    if name is None:
        return None
    if name not in FRAMINGS:
        raise bad_request(f"protocol must be {' or '.join(FRAMINGS)}.")
    return FRAMINGS[name]
