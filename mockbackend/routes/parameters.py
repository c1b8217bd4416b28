"""What a request's path and query name: ids, and the framing of the answer."""

from __future__ import annotations

import re

from starlette.requests import Request

from ..errors import bad_request
from ..protocol import FRAMINGS, Framing
from .front_call import stored_name

ID_CHARACTERS = 256
ID_PATTERN = re.compile(rf"[!-.0-\[\]-~]{{1,{ID_CHARACTERS}}}")


def check_id(value: object, field: str) -> str:
    """The id of a conversation, message or file: visible ASCII characters without / and \\."""
    if not isinstance(value, str) or not ID_PATTERN.fullmatch(value) or value in (".", ".."):
        characters = f"1 to {ID_CHARACTERS} visible ASCII characters"
        raise bad_request(f"{field} must be a string of {characters}, without / and \\.")
    return value


def path_id(request: Request) -> str:
    """The id in the request's path."""
    return check_id(request.path_params["id"], "id")


def path_conversation(request: Request) -> str:
    """The conversation's id in the request's path, as it is stored."""
    return stored_name(request, path_id(request))


def named_framing(request: Request) -> Framing | None:
    """The framing that `?protocol=` names, if any."""
    name = request.query_params.get("protocol")
    if name is None:
        return None
    if name not in FRAMINGS:
        raise bad_request(f"protocol must be {' or '.join(FRAMINGS)}.")
    return FRAMINGS[name]
