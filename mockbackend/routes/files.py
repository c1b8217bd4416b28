"""The files: upload, list, read, delete."""

from __future__ import annotations

import asyncio
import dataclasses
import re

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from ..errors import ServiceError, not_found
from .auth import get_service, userid
from .json import JSON
from .parameters import path_id
from .upload import read_files

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
    return JSON([dataclasses.asdict(row) for row in rows], status_code=202)


async def listing(request: Request) -> Response:
    """All files of the owner, the newest first."""
    rows = await get_service(request).storage.files.listing(userid(request))
    return JSON([dataclasses.asdict(row) for row in rows])


async def read(request: Request) -> Response:
    """A file's row."""
    row = await get_service(request).storage.files.get(userid(request), path_id(request))
    if row is None:
        raise not_found()
    return JSON(dataclasses.asdict(row))


async def content(request: Request) -> Response:
    """A file's bytes, or a range of them: to be saved, never shown as a page of ours."""
    found = await get_service(request).storage.files.content(userid(request), path_id(request))
    if found is None:
        raise not_found()
    path, row = found
    try:
        status = await asyncio.to_thread(path.stat)
    except FileNotFoundError:
        raise not_found() from None
    _keep_one_range(request, status.st_size)
    return FileResponse(path, headers=HEADERS, media_type=row.media_type, filename=row.name, stat_result=status)


async def delete(request: Request) -> Response:
    """Delete a file, its text and its vectors."""
    if not await get_service(request).documents.delete(userid(request), path_id(request)):
        raise not_found()
    return Response(status_code=204)


def _keep_one_range(request: Request, size: int) -> None:
    """Ignore a range that makes no sense, or several, as RFC 9110 allows; FileResponse's errors are no JSON."""
    asked = request.headers.get("range")
    if asked is None:
        return
    match = ONE_RANGE.fullmatch(asked.strip())
    if match and int(match[1]) >= size:
        raise ServiceError(416, "range", "The file ends before that range.", {"content-range": f"bytes */{size}"})
    if not match or (match[2] and int(match[2]) < int(match[1])):
        headers = request.scope["headers"]
        request.scope["headers"] = [(name, value) for name, value in headers if name != b"range"]
