"""If-None-Match: whether a client holds what it asks for already."""

from __future__ import annotations

from starlette.requests import Request


def is_held(request: Request, etag: str) -> bool:
    """Whether the client has named the ETag of the content, so that a 304 is the answer."""
    # A proxy that compresses makes the tag a weak one.
    tags = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    return etag in tags or "*" in tags
