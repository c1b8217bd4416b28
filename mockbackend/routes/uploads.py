"""The body of POST /files: each file is written to disk as it arrives. If the body is broken, none of them is kept."""

from __future__ import annotations

from contextlib import aclosing

from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)
from starlette.requests import Request

from ..documents.errors import Unreadable
from ..documents.formats import format_of
from ..errors import ServiceError, bad_request
from ..settings import Settings
from ..storage import File, FileLimits, Files, Upload
from .body import chunks
from .filename import filename_of

# For the parts' headers, and for fields that are not files.
OVERHEAD_BYTES = 1024 * 1024
# A name of 5 kB takes three times as much with each byte as %XX.
HEADER_BYTES = 32 * 1024
# Parts beside the files: a form has a few.
OTHER_PARTS = 1000
BOUNDARY_CHARACTERS = 256


async def read_files(request: Request, files: Files, userid: str, settings: Settings) -> list[File]:
    """Store the files of a multipart body. Returns a row for each in their order; a refused file has a failed row."""
    parser = _parser(request, settings)
    max_bytes = settings.max_files_per_upload * settings.max_file_bytes + OVERHEAD_BYTES
    uploads = _Uploads(files, userid, settings)
    try:
        async with aclosing(chunks(request, max_bytes, "MAX_FILES_PER_UPLOAD, MAX_FILE_BYTES")) as pieces:
            async for piece in pieces:
                for event in parser.parse(piece):
                    await uploads.take(event)
        parser.close()
        if not uploads.received:
            raise bad_request("The body contains no file. A file is a part with a file name.")
        return [await _accept_or_refuse(upload) for upload in uploads.received]
    except ParserLimitReached:
        raise bad_request("The body has too many parts, or a header that is too long. Nothing was stored.") from None
    except MultipartError:
        raise bad_request("The body is invalid or incomplete multipart/form-data. Nothing was stored.") from None
    finally:
        for upload in uploads.received:
            await upload.discard()


def _parser(request: Request, settings: Settings) -> PushMultipartParser:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != "multipart/form-data":
        message = 'The files must be sent as multipart/form-data, for example: curl -F "file=@report.pdf"'
        raise ServiceError(415, "unsupported_media_type", message)
    boundary = options.get("boundary", "")
    if not 1 <= len(boundary) <= BOUNDARY_CHARACTERS:
        raise bad_request(f"The content type must name a boundary of at most {BOUNDARY_CHARACTERS} characters.")
    return PushMultipartParser(
        boundary,
        max_header_size=HEADER_BYTES,
        max_segment_count=settings.max_files_per_upload + OTHER_PARTS,
        header_charset="latin-1",
    )


class _Uploads:
    """The files of one body, in their order."""

    def __init__(self, files: Files, userid: str, settings: Settings) -> None:
        self.received: list[Upload] = []
        self._files = files
        self._userid = userid
        self._limits = FileLimits(settings.max_file_bytes, settings.max_files_per_user, settings.max_user_bytes)
        self._max_files = settings.max_files_per_upload
        self._current: Upload | None = None

    async def take(self, event: MultipartSegment | bytes | None) -> None:
        """Take what the parser found next: the beginning of a part, its bytes, or its end. Fields are skipped."""
        if isinstance(event, MultipartSegment):
            name = filename_of(event["Content-Disposition"].encode("latin-1"))
            self._current = None if name is None else await self._begin(name)
        elif self._current is not None:
            await (self._current.end() if event is None else self._current.write(event))

    async def _begin(self, name: str) -> Upload:
        upload = self._files.receive(self._userid, name, self._limits)
        self.received.append(upload)
        if len(self.received) > self._max_files:
            await upload.give_up(
                f"An upload may contain {self._max_files} files (MAX_FILES_PER_UPLOAD). Upload this one separately."
            )
        return upload


async def _accept_or_refuse(upload: Upload) -> File:
    try:
        document_format = format_of(upload.name, upload.head)
    except Unreadable as error:
        return await upload.refuse(str(error))
    return await upload.finish(document_format.name, document_format.media_type)
