"""The file that `raw` names: a model's answer as it came, each event with its time.

It is a text of server-sent events, in which what is not the model's own stands in comments. The first lines are the
wire, the status, the milliseconds until the headers came, and those headers that matter:

    : chat/completions 200 @213
    : content-type: text/event-stream
    : @214
    data: {"choices": []}


    : @301 end

A line `: @` and a number begins a piece; a line break after the piece is not the piece's own. The last line says how
the answer ended.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

# The connection closed before the body's end; the service left before it, since its user had stopped the answer.
Ending = Literal["end", "cut", "left"]
ENDINGS: Mapping[bytes, Ending] = {ending.encode(): ending for ending in get_args(Ending)}
FIRST = re.compile(rb": ([a-z/]{1,40}) ([1-5]\d\d) @(\d{1,9})\r?")
HEADER = re.compile(rb": ([a-z][a-z0-9-]{0,60}): ([^\r\n]*)\r?")
PIECE = re.compile(rb": @(\d{1,9})(?: (end|cut|left))?\r?")
# A line of an answer that looks like one of these gets another colon in the file.
ALIKE = re.compile(rb"^:(:* @)", re.MULTILINE)
ESCAPED = re.compile(rb"^::(:* @)", re.MULTILINE)
# In place of an image that stands beside the file: of its base64, and of its URL.
IMAGE, IMAGE_URL = b"{{image}}", b"{{image_url}}"
PREFIX = "data:text/event-stream;base64,"


class RawError(ValueError):
    """A text that is no such file; the message says why."""


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer: `delay` and the times of the pieces are milliseconds since it was asked for."""

    wire: str
    status: int
    delay: int
    headers: Mapping[str, str]
    pieces: tuple[tuple[int, bytes], ...]
    ended_at: int
    ending: Ending

    @property
    def body(self) -> bytes:
        """All of it."""
        return b"".join(piece for _, piece in self.pieces)

    @property
    def is_stream(self) -> bool:
        """Whether it is a stream of events."""
        return "event-stream" in self.headers.get("content-type", "").lower()


def read_raw(text: bytes) -> Raw:
    """Read a file's text. Raises RawError."""
    lines = text.split(b"\n")
    first = FIRST.fullmatch(lines[0])
    if first is None:
        raise RawError("line 1 must be as ': chat/completions 200 @213'")
    headers: dict[str, str] = {}
    at = 1
    while at < len(lines) and (header := HEADER.fullmatch(lines[at])):
        headers[header[1].decode()] = header[2].decode("latin-1")
        at += 1
    pieces: list[tuple[int, bytes]] = []
    for number, time, ending, content in _pieces(lines, at):
        if ending is not None:
            given = first[1].decode(), int(first[2]), int(first[3])
            return Raw(*given, headers, tuple(pieces), time, ending)
        if pieces and time < pieces[-1][0]:
            raise RawError(f"line {number} is damaged: its time is before that of the piece above it")
        pieces.append((time, content))
    raise RawError("it was not written to its end: its last line must be as ': @1234 end'")


def _pieces(lines: list[bytes], at: int) -> Iterator[tuple[int, int, Ending | None, bytes]]:
    """For each piece its line, its time, and its content; the last has how the answer ended."""
    begun: tuple[int, int] | None = None
    content: list[bytes] = []
    for number, line in enumerate(lines[at:], at + 1):
        if not line.startswith(b": @"):
            if begun is None:
                raise RawError(f"line {number} is damaged: it must be a header, or as ': @214'")
            content.append(line)
            continue
        mark = PIECE.fullmatch(line)
        if mark is None:
            raise RawError(f"line {number} is damaged: it must be as ': @214' or ': @214 end'")
        if begun:
            yield *begun, None, ESCAPED.sub(rb":\1", b"\n".join(content))
        content = []
        begun = number, int(mark[1])
        if mark[2]:
            if any(line.strip() for line in lines[number:]):
                raise RawError(f"line {number + 1} is damaged: something follows the end")
            yield *begun, ENDINGS[mark[2]], b""
            return


def head_text(wire: str, status: int, delay: int, headers: Mapping[str, str]) -> bytes:
    """The first lines of a file."""
    lines = [f": {wire} {status} @{delay}", *(f": {name}: {value}" for name, value in headers.items())]
    return "".join(f"{line}\n" for line in lines).encode("latin-1", "replace")


def piece_text(at: int, content: bytes) -> bytes:
    """The lines of a piece."""
    return b": @%d\n%b\n" % (at, ALIKE.sub(rb"::\1", content))


def end_text(at: int, ending: Ending) -> bytes:
    """The last line."""
    return b": @%d %b\n" % (at, ending.encode())


def to_url(text: bytes) -> str:
    """A file's text as a script that goes over HTTP holds it."""
    return PREFIX + base64.b64encode(text).decode()


# A script's are few.
@lru_cache(maxsize=16)
def raw_of(url: str) -> Raw:
    """The answer in such a URL. Raises RawError."""
    if not url.startswith(PREFIX):
        raise RawError("must be a data: URL of text/event-stream in base64; only a file's script names files")
    try:
        return read_raw(base64.b64decode(url.removeprefix(PREFIX), validate=True))
    except binascii.Error:
        raise RawError("is not base64") from None
