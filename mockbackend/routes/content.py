"""A message's content in all shapes that front ends send: a string, or parts of OpenAI, AI SDK and assistant-ui."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from ..errors import bad_request
from ..turn.request import Attachment


@dataclass(frozen=True, slots=True)
class Content:
    """The text of a message and its attachments."""

    text: str
    attachments: tuple[Attachment, ...]


def parse_content(message: dict[str, Any], name: str) -> Content:
    """The content of a message object. `name` is its field, for the error."""
    texts: list[str] = []
    attachments: list[Attachment] = []
    parts = message.get("parts")
    content = message.get("content")
    if isinstance(parts, list) and (parts or content is None):
        _take_parts(parts, f"{name}.parts", texts, attachments)
    elif parts is not None and not isinstance(parts, list):
        raise bad_request(f"{name}.parts must be a list.")
    elif isinstance(content, list):
        _take_parts(content, f"{name}.content", texts, attachments)
    elif isinstance(content, str):
        texts.append(content)
    else:
        raise bad_request(f"{name}.content must be a string or a list of parts.")
    extra = message.get("experimental_attachments")
    if extra is not None:
        if not isinstance(extra, list):
            raise bad_request(f"{name}.experimental_attachments must be a list.")
        for index, value in enumerate(extra):
            field = f"{name}.experimental_attachments[{index}]"
            if not isinstance(value, dict):
                raise bad_request(f"{field} must be an object.")
            attachments.append(_attachment(value.get("url"), value.get("contentType"), value.get("name"), field))
    return Content("\n".join(texts), tuple(attachments))


def _take_parts(parts: list[Any], name: str, texts: list[str], attachments: list[Attachment]) -> None:
    for index, part in enumerate(parts):
        field = f"{name}[{index}]"
        if not isinstance(part, dict) or not isinstance(part.get("type"), str):
            raise bad_request(f"{field} must be an object with a type.")
        match part["type"]:
            case "text" | "input_text":
                if not isinstance(part.get("text"), str):
                    raise bad_request(f"{field}.text must be a string.")
                texts.append(part["text"])
            case "image_url":
                url = part.get("image_url")
                url = url.get("url") if isinstance(url, dict) else url
                attachments.append(_attachment(url, "image/*", None, f"{field}.image_url"))
            case "image":
                media_type = part.get("mediaType") or part.get("mimeType") or "image/png"
                attachments.append(_attachment(part.get("image"), media_type, part.get("filename"), f"{field}.image"))
            case "file":
                source = part.get("url") if part.get("url") is not None else part.get("data")
                media_type = part.get("mediaType") or part.get("mimeType")
                file_name = part.get("filename") or part.get("name")
                attachments.append(_attachment(source, media_type, file_name, field))
            case _:
                pass  # steps, tools, reasoning, sources: copies of answers, which the server has already


def _attachment(source: object, media_type: object, name: object, field: str) -> Attachment:
    if not isinstance(source, str) or not source:
        raise bad_request(f"{field} must be a data: or https: URL.")
    kind = media_type if isinstance(media_type, str) else ""
    file_name = name[:256] if isinstance(name, str) and name.isprintable() and name else "attachment"
    if source[:5].lower() == "data:":
        header, comma, payload = source[5:].partition(",")
        if not comma:
            raise bad_request(f"{field} is not a valid data: URL.")
        declared, *options = header.split(";")
        base64_encoded = any(option.strip().lower() == "base64" for option in options)
        content = _decode(payload, field) if base64_encoded else unquote_to_bytes(payload)
        return Attachment(declared or kind or "text/plain", file_name, content)
    if source[:8].lower() == "https://" or source[:7].lower() == "http://":
        return Attachment(kind, file_name, url=source)
    if kind:
        # The parts of assistant-ui and AI SDK core may hold bare base64.
        return Attachment(kind, file_name, _decode(source, field))
    raise bad_request(f"{field} must be a data: or https: URL.")


def _decode(payload: str, field: str) -> bytes:
    try:
        return base64.b64decode("".join(payload.split()), validate=True)
    except (binascii.Error, ValueError):
        raise bad_request(f"{field} is not valid base64.") from None
