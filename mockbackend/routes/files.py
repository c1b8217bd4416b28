"""Files: upload, list, read, delete."""

from __future__ import annotations

import dataclasses
import re
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from ..errors import ServiceError, not_found
from ..mock import drawn
from ..storage import File
from .auth import get_service, userid
from .etags import is_held
from .json import JSON
from .parameters import path_id
from .pieces import in_pieces
from .uploads import read_files

HEADERS = {
    "cache-control": "private, no-cache",
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
}
ONE_RANGE = re.compile(r"bytes=(\d{1,18})-(\d{0,18})")


async def upload(request: Request) -> Response:
    """Store files; they are indexed in the background."""
    service = get_service(request)
    rows = await read_files(request, service.storage.files, userid(request), service.settings)
    service.documents.wake()
    return JSON([_rendered(row) for row in rows], status_code=202)


async def listing(request: Request) -> Response:
    """All files of the owner, newest first."""
    rows = await get_service(request).storage.files.listing(userid(request))
    return JSON([_rendered(row) for row in rows])


async def read(request: Request) -> Response:
    """A file's row."""
    row = await get_service(request).storage.files.get(userid(request), path_id(request))
    if row is None:
        raise not_found()
    return JSON(_rendered(row))


async def content(request: Request) -> Response:
    """A file's bytes or a range of them, sent so that a browser never shows them as a page of this site."""
    found = await get_service(request).storage.files.content(userid(request), path_id(request))
    if found is None:
        raise not_found()
    row, blob = found
    # A file's bytes never change under its id.
    etag = f'"{row.id}"'
    if is_held(request, etag):
        return Response(status_code=304, headers={**HEADERS, "etag": etag})
    # A range counts only with GET (RFC 9110, 14.2), and only if the client's copy is of this content.
    is_ranged = request.method == "GET" and request.headers.get("if-range", etag) == etag
    span = _one_range(request, blob.size) if is_ranged else None
    start, end = span or (0, blob.size)
    headers = {
        **HEADERS,
        "accept-ranges": "bytes",
        "content-disposition": _disposition(row.name),
        "content-length": str(end - start),
        "etag": etag,
    }
    if span:
        headers["content-range"] = f"bytes {start}-{end - 1}/{blob.size}"
    if request.method == "HEAD":
        return Response(headers=headers, media_type=row.media_type)
    return await in_pieces(blob.pieces(start, end), 206 if span else 200, headers, row.media_type)


def _rendered(row: File) -> dict[str, Any]:
    return {**dataclasses.asdict(row), "created_at": drawn.shown_ms(row.created_at)}


def _disposition(name: str) -> str:
    quoted = quote(name)
    return f'attachment; filename="{name}"' if quoted == name else f"attachment; filename*=utf-8''{quoted}"


async def delete(request: Request) -> Response:
    """Delete a file, its text and its vectors."""
    if not await get_service(request).documents.delete(userid(request), path_id(request)):
        raise not_found()
    return Response(status_code=204)


def _one_range(request: Request, size: int) -> tuple[int, int] | None:
    """Start and end of the requested range; None for an invalid range or several, as RFC 9110 (14.2) allows."""
    match = ONE_RANGE.fullmatch(request.headers.get("range", "").strip())
    if not match or (match[2] and int(match[2]) < int(match[1])):
        return None
    if int(match[1]) >= size:
        message = f"The range starts after the end of the file, which has {size} bytes."
        raise ServiceError(416, "range", message, {"content-range": f"bytes */{size}"})
    return int(match[1]), min(size, int(match[2]) + 1) if match[2] else size
