"""The body of POST /files: each file goes to disk as it comes. All of them are kept or, where the body breaks, none."""

from __future__ import annotations

from contextlib import aclosing

from starlette.requests import Request

from ..documents.kinds import Unreadable, kind_of, media_type
from ..errors import bad_request
from ..settings import Settings
from ..storage import File, FileLimits, Files, Upload
from .limited import chunks
from .multipart import BROKEN, FileBegins, FileEnds, Multipart

# For the parts' headers, and fields that are no files.
OVERHEAD_BYTES = 1024 * 1024


async def read_files(request: Request, files: Files, userid: str, settings: Settings) -> list[File]:
    """Store the files of a multipart body; their rows in the order of the parts, refused ones being failed rows."""
    multipart = Multipart(request.headers.get("content-type", ""), settings.max_files_per_upload)
    most = settings.max_files_per_upload * settings.max_file_bytes + OVERHEAD_BYTES
    upload = _UploadBody(files, userid, settings)
    try:
        async with aclosing(chunks(request, most)) as pieces:
            async for piece in pieces:
                for event in multipart.feed(piece):
                    await upload.take(event)
        if not multipart.complete:
            raise bad_request(BROKEN)
        if not upload.received:
            raise bad_request("There is no file in it: a file is a part with a file name.")
        return [await _settle(one) for one in upload.received]
    finally:
        for one in upload.received:
            await one.discard()


class _UploadBody:
    """The files of one call, as they come."""

    def __init__(self, files: Files, userid: str, settings: Settings) -> None:
        self.received: list[Upload] = []
        self._files = files
        self._userid = userid
        self._limits = FileLimits(settings.max_file_bytes, settings.max_files_per_user, settings.max_user_bytes)
        self._most = settings.max_files_per_upload

    async def take(self, event: FileBegins | bytes | FileEnds) -> None:
        match event:
            case FileBegins(name):
                self.received.append(self._files.receive(self._userid, name, self._limits))
                if len(self.received) > self._most:
                    await self.received[-1].give_up(f"One upload may bring {self._most} files; this is one more.")
            case FileEnds.END:
                await self.received[-1].end()
            case data:
                await self.received[-1].write(data)


async def _settle(upload: Upload) -> File:
    try:
        kind = kind_of(upload.name, upload.head)
    except Unreadable as error:
        return await upload.refuse(str(error))
    return await upload.finish(kind, media_type(kind))
