"""A multipart body as it comes: where files begin, their bytes, and where they end. Nothing of it is kept here."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from ..errors import ServiceError, bad_request
from .filename import filename_of

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

# A name of 5 kB is three times as long with each byte as %XX.
HEADER_BYTES = 32 * 1024
# Parts beside the files: a form has a few.
OTHER_PARTS = 1000
BROKEN = "The body is not valid multipart/form-data, or it broke off. Nothing of it was stored."
# Its warnings are of clients' mistakes, which the clients are told.
logging.getLogger("python_multipart").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class FileBegins:
    """A part with a file name."""

    name: str


class FileEnds(Enum):
    """The end of that part."""

    END = "end"


class Multipart:
    """The parser of one body. `complete` says whether it has come to its end."""

    def __init__(self, content_type: str, most_files: int) -> None:
        """415 for another content type, 400 for one without a boundary."""
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data":
            words = 'The files must come as multipart/form-data, such as: curl -F "file=@report.pdf"'
            raise ServiceError(415, "unsupported_media_type", words)
        self.complete = False
        self._parts_left = most_files + OTHER_PARTS
        self._field = self._value = b""
        self._disposition = b""
        self._in_file = False
        self._events: list[FileBegins | bytes | FileEnds] = []
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._part_begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._part_data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }
        try:
            self._parser = MultipartParser(options[b"boundary"], callbacks, max_header_size=HEADER_BYTES)
        except (KeyError, FormParserError):
            raise bad_request("The content type names no usable boundary of the parts.") from None

    def feed(self, chunk: bytes) -> list[FileBegins | bytes | FileEnds]:
        """What these bytes bring, in order; parts without a file name bring nothing. 400 where they are malformed."""
        self._events = []
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise bad_request(BROKEN) from None
        return self._events

    def _part_begin(self) -> None:
        self._parts_left -= 1
        if self._parts_left < 0:
            raise bad_request("The body has too many parts. Nothing of it was stored.")
        self._field = self._value = self._disposition = b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field = self._value = b""

    def _headers_finished(self) -> None:
        name = filename_of(self._disposition)
        self._in_file = name is not None
        if name is not None:
            self._events.append(FileBegins(name))

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._events.append(data[start:end])

    def _part_end(self) -> None:
        if self._in_file:
            self._events.append(FileEnds.END)
        self._in_file = False

    def _end(self) -> None:
        self.complete = True
