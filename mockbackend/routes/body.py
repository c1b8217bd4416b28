"""A request's body, read within a limit of bytes and time."""

from __future__ import annotations

import asyncio
import codecs
import re
from collections.abc import AsyncGenerator, Callable
from typing import Any

import orjson
from starlette.requests import Request

from ..concurrency import in_thread
from ..errors import ServiceError, bad_request, in_seconds, unusable
from . import dense_json

# nginx's default.
SILENCE_SECONDS = 60.0
# What has to arrive in each minute of waiting but the first. A phone sends several times as much, with gaps.
MEASURED_SECONDS = 60.0
LEAST_BYTES = 128 * 1024
# It is parsed where everybody waits for it.
SMALL_BYTES = 64 * 1024
# It takes milliseconds to copy.
LARGE_BYTES = 1024 * 1024
GZIP = b"\x1f\x8b"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}".encode()
# Pairs and halves of pairs: escaped, after any number of escaped backslashes, or as bytes that are not UTF-8.
SURROGATES = re.compile(
    rb"(?<!\\)(?P<backslashes>(?:\\\\)*+)\\u"
    rb"(?:(?P<pair>[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|[dD][89a-fA-F][0-9a-fA-F]{2})"
    rb"|\xed[\xa0-\xbf][\x80-\xbf]"
)


async def read_small_object(request: Request) -> dict[str, Any]:
    """A body of `SMALL_BYTES` at most, as a JSON object."""
    return parse_object(await read_body(request, SMALL_BYTES))


async def read_body(
    request: Request, max_bytes: int, setting: str | None = None, count: Callable[[int], None] | None = None
) -> bytes:
    """The whole body, of any content type but multipart.

    `setting` is the name of `max_bytes`, if it has one. `count` is given the size of each chunk, and may refuse it.
    """
    if request.headers.get("content-type", "").strip().lower().startswith("multipart/"):
        raise ServiceError(415, "unsupported_media_type", "The body must be JSON, not multipart.")
    parts: list[bytes] = []
    last = bytearray()
    try:
        async for chunk in chunks(request, max_bytes, setting):
            if count:
                count(len(chunk))
            last += chunk
            if len(last) > LARGE_BYTES:
                parts.append(bytes(last))
                last.clear()
        if not parts:
            return bytes(last)
        # Others run meanwhile: so much is joined without Python's lock.
        return await in_thread(lambda: b"".join([*parts, bytes(last)]), "joining")
    finally:
        # An error's traceback would keep them while the refusal waits for the client.
        parts.clear()
        last.clear()


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object that a body is."""
    if not body:
        raise bad_request("The body is empty: send a JSON object.")
    body = body.removeprefix(codecs.BOM_UTF8)
    try:
        value = _loads(body)
    except dense_json.TooManyValues:
        raise unusable(f"The body has more than {dense_json.MAX_VALUES} JSON values.") from None
    except (ValueError, RecursionError) as error:
        if body.startswith(GZIP):
            raise _encoded("gzip") from None
        if not _is_utf8(body):
            raise bad_request("The body is not UTF-8 text: send JSON encoded as UTF-8.") from None
        raise bad_request(f"The body is not valid JSON: {getattr(error, 'msg', error)}.") from None
    if not isinstance(value, dict):
        raise bad_request("The body must be a JSON object.")
    return value


def _loads(body: bytes) -> Any:
    """The value of a body. Half a surrogate pair, which can be neither stored nor sent, becomes U+FFFD."""
    loads = dense_json.loads if dense_json.is_dense(body) else orjson.loads
    try:
        return loads(body)
    except ValueError:
        mended = SURROGATES.sub(_mend, body)
        if mended == body:
            raise
        return loads(mended)


def _mend(found: re.Match[bytes]) -> bytes:
    return found[0] if found["pair"] else (found["backslashes"] or b"") + REPLACEMENT


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


async def chunks(request: Request, max_bytes: int, setting: str | None = None) -> AsyncGenerator[bytes, None]:
    """The body as it arrives.

    413 as soon as it is too large or its Content-Length is, 400 if the client disconnects, 408 if it sends nothing
    for `SILENCE_SECONDS` or too little in `MEASURED_SECONDS`.
    """
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise _encoded(encoding)
    named = f" ({setting})" if setting else ""
    too_large = ServiceError(413, "too_large", f"The body is larger than {max_bytes} bytes{named}.")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:18]) > max_bytes:
        raise too_large
    size, arrived = 0, LEAST_BYTES
    # Only the time that is spent waiting for the client is the client's.
    waited, now = 0.0, asyncio.get_running_loop().time
    more_body = True
    while more_body:
        began = now()
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                message = await request.receive()
        except TimeoutError:
            raise _timeout(f"nothing was received for {in_seconds(SILENCE_SECONDS)}") from None
        if message["type"] == "http.disconnect":
            raise bad_request("The body is incomplete: the connection was closed.")
        chunk, more_body = message.get("body", b""), message.get("more_body", False)
        size += len(chunk)
        if size > max_bytes:
            raise too_large
        waited, arrived = waited + now() - began, arrived + len(chunk)
        if waited >= MEASURED_SECONDS:
            if arrived < LEAST_BYTES:
                raise _timeout(f"only {arrived} bytes were received in {in_seconds(round(waited, 1))}")
            waited, arrived = 0.0, 0
        if chunk:
            yield chunk


def _encoded(encoding: str) -> ServiceError:
    words = f"The body is compressed ({encoding[:32]}): send it as it is, without a Content-Encoding."
    return ServiceError(415, "unsupported_media_type", words, {"accept-encoding": "identity"})


def _timeout(what: str) -> ServiceError:
    return ServiceError(408, "timeout", f"The body is incomplete: {what}.")
