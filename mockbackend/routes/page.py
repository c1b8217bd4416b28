"""GET / and /page/…: the files of the chat page, read once, with ETags and a strict content security policy."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from ..errors import not_found
from .etags import is_held

FOLDER = Path(__file__).resolve().parent.parent / "page"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    # The browser keeps a copy and revalidates it each time, so a new version shows at once.
    "cache-control": "no-cache",
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


@dataclass(frozen=True, slots=True)
class File:
    """A file of the page."""

    content: bytes
    media_type: str
    etag: str


@cache
def files() -> dict[str, File]:
    """The files by their path in the folder. A request can reach no other file of the disk."""
    found: dict[str, File] = {}
    for path in FOLDER.rglob("*"):
        if media_type := MEDIA_TYPES.get(path.suffix):
            content = path.read_bytes()
            etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
            found[path.relative_to(FOLDER).as_posix()] = File(content, media_type, etag)
    return found


async def index(request: Request) -> Response:
    """The page's HTML."""
    return _send(request, "index.html")


async def file(request: Request) -> Response:
    """A file of the page itself."""
    return _send(request, request.path_params["path"])


async def vendored(request: Request) -> Response:
    """A file of a library that the page uses."""
    return _send(request, f"vendor/{request.path_params['path']}")


def _send(request: Request, path: str) -> Response:
    found = files().get(path)
    if found is None:
        raise not_found()
    headers = {**HEADERS, "etag": found.etag}
    if is_held(request, found.etag):
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type=found.media_type, headers=headers)
