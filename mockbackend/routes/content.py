"""A message's content in all shapes that front ends send: a string, or parts of OpenAI, AI SDK and assistant-ui."""

from __future__ import annotations

import base64
import dataclasses
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

from ..errors import ServiceError, bad_request, unusable
from ..turn.request import Attachment

FILE_SOURCES = ("url", "data", "file_data", "file_url")
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+*-]+")
# base64url, as some programs write it.
URL_SAFE = str.maketrans("-_", "+/")


@dataclass(frozen=True, slots=True)
class Content:
    """The text of a message and its attachments."""

    text: str
    attachments: tuple[Attachment, ...]


def parse_content(message: dict[str, Any], name: str, *, must_have_files: bool = True) -> Content:
    """The content of a message object. `name` is its field, for the error.

    If the files need not be there, one that cannot be had is an attachment with a problem.
    """
    reader = _Reader(must_have_files)
    parts = message.get("parts")
    content = message.get("content")
    if isinstance(parts, list) and (parts or content is None):
        reader.take_parts(parts, f"{name}.parts")
    elif parts is not None and not isinstance(parts, list):
        raise bad_request(f"{name}.parts must be a list.")
    elif isinstance(content, list):
        reader.take_parts(content, f"{name}.content")
    elif isinstance(content, str):
        reader.texts.append(content)
    elif content is not None or message.get("role") != "assistant":
        # OpenAI's answers with calls alone have null.
        raise bad_request(f"{name}.content must be a string or a list of parts.")
    extra = message.get("experimental_attachments")
    if extra is not None:
        if not isinstance(extra, list):
            raise bad_request(f"{name}.experimental_attachments must be a list.")
        for index, value in enumerate(extra):
            field = f"{name}.experimental_attachments[{index}]"
            if not isinstance(value, dict):
                raise bad_request(f"{field} must be an object.")
            reader.attach(value.get("url"), value.get("contentType"), value.get("name"), field)
    return Content("\n".join(reader.texts), tuple(reader.attachments))


@dataclass(slots=True)
class _Reader:
    """The texts and attachments of one message, as they are read."""

    must_have_files: bool
    texts: list[str] = dataclasses.field(default_factory=list)
    attachments: list[Attachment] = dataclasses.field(default_factory=list)

    def take_parts(self, parts: list[Any], name: str) -> None:
        """Read the parts of a list."""
        for index, part in enumerate(parts):
            field = f"{name}[{index}]"
            if not isinstance(part, dict) or not isinstance(part.get("type"), str):
                raise bad_request(f"{field} must be an object with a type.")
            match part["type"]:
                case "text" | "input_text":
                    if not isinstance(part.get("text"), str):
                        raise bad_request(f"{field}.text must be a string.")
                    self.texts.append(part["text"])
                case "image_url" | "input_image":
                    url = part.get("image_url")
                    url = url.get("url") if isinstance(url, dict) else url
                    self.attach(url, "image/*", None, f"{field}.image_url")
                case "image":
                    media_type = part.get("mediaType") or part.get("mimeType") or "image/png"
                    self.attach(part.get("image"), media_type, part.get("filename"), f"{field}.image")
                case "file" | "input_file":
                    # OpenAI's chat has the file in an object of its own.
                    file = part["file"] if isinstance(part.get("file"), dict) else part
                    source = next((file[key] for key in FILE_SOURCES if file.get(key) is not None), None)
                    media_type = file.get("mediaType") or file.get("mimeType")
                    self.attach(source, media_type, file.get("filename") or file.get("name"), field)
                case "audio" | "input_audio" | "video" | "video_url" | "input_video" if self.must_have_files:
                    raise unusable(f"{field}: sounds and videos cannot be attached.")
                case _:
                    pass  # steps, tools, reasoning, sources: copies of answers, which the server has already

    def attach(self, source: object, media_type: object, name: object, field: str) -> None:
        """Take a file that is sent as a URL or as base64."""
        file_name = name[:256] if isinstance(name, str) and name.isprintable() and name else "attachment"
        try:
            found = _attachment(source, media_type, file_name, field)
        except ServiceError as error:
            if self.must_have_files:
                raise
            found = Attachment("", file_name, problem=error.message)
        self.attachments.append(found)


def _attachment(source: object, declared: object, name: str, field: str) -> Attachment:
    source = source.strip() if isinstance(source, str) else source
    if not isinstance(source, str) or not source:
        raise bad_request(f"{field} must be a data: or https: URL.")
    kind, charset = _media_type(declared if isinstance(declared, str) else "")
    scheme = source[: found.end()].lower() if (found := SCHEME.match(source)) else ""
    match scheme:
        case "data:":
            header, comma, payload = source[len(scheme) :].partition(",")
            if not comma:
                raise bad_request(f"{field} is not a valid data: URL.")
            is_base64 = any(option.strip().lower() == "base64" for option in header.split(";"))
            content = _decode(payload, field) if is_base64 else unquote_to_bytes(payload)
            own_kind, own_charset = _media_type(header)
            return Attachment(own_kind or kind or "text/plain", name, content, charset=own_charset or charset)
        case "https:" | "http:":
            return Attachment(kind, name, url=source)
        case "blob:" | "file:" | "filesystem:" | "content:":
            raise bad_request(
                f"{field} is a {scheme} address, which only the sender's own browser or device can read. "
                "Read the file there and send it as a data: URL."
            )
        case "" if kind:
            # The parts of assistant-ui and AI SDK core may hold bare base64.
            return Attachment(kind, name, _decode(source, field), charset=charset)
    raise bad_request(f"{field} must be a data: or https: URL.")


def _media_type(header: str) -> tuple[str, str]:
    """The media type in lower case, empty if it is malformed, and the charset among its parameters."""
    media_type, *parameters = (part.strip() for part in header.lower().split(";"))
    named = dict(parameter.partition("=")[::2] for parameter in parameters)
    return media_type if MEDIA_TYPE.fullmatch(media_type) else "", named.get("charset", "").strip("\"' ")


def _decode(payload: str, field: str) -> bytes:
    """The bytes of base64 in any spelling: with line breaks, percent-encoded, without padding, safe for URLs."""
    if "%" in payload:
        payload = unquote(payload)
    payload = "".join(payload.split()).rstrip("=").translate(URL_SAFE)
    try:
        return base64.b64decode(payload + "=" * (-len(payload) % 4), validate=True)
    except ValueError:
        raise bad_request(f"{field} is not valid base64.") from None
