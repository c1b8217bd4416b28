"""E-mail: who wrote to whom, about what, and the message, with the messages and texts that are attached to it."""

from __future__ import annotations

from email import policy
from email.message import Message
from email.parser import BytesParser
from typing import Any, cast

from ...errors import Unreadable
from ..encoding import decode
from ..limits import Limits
from ..output import Output, clean
from .html import read_page
from .text import give_paragraphs

_HEADERS = ("From", "To", "Cc", "Date", "Subject")
# A thread that was forwarded again and again has some messages within messages.
DEPTH = 20


def read(path: str, output: Output, limits: Limits) -> None:
    """Output the message and what is attached to it."""
    with open(path, "rb") as file:
        message = BytesParser(policy=policy.default).parse(file)
    unread: list[str] = []
    _give_message(message, output, unread, 0)
    if unread:
        output.note(f"Attachments are not read: {', '.join(unread)}. Upload them as files of their own.")


def _give_message(message: Message, output: Output, unread: list[str], depth: int) -> None:
    headers = {name: value for name in _HEADERS if (value := _header(message, name))}
    output.place("attached message" if depth else "", headers.get("Subject", ""))
    output.paragraph("\n".join(f"{name}: {value}" for name, value in headers.items()))
    _give_part(message, output, unread, depth)


def _give_part(part: Message, output: Output, unread: list[str], depth: int) -> None:
    kind = part.get_content_type()
    if kind == "message/rfc822" and depth < DEPTH:
        for attached in _parts(part):
            _give_message(attached, output, unread, depth + 1)
    elif kind == "multipart/alternative":
        _give_best_form(_parts(part), output, unread, depth)
    elif part.is_multipart() and kind != "message/rfc822":
        for one in _parts(part):
            _give_part(one, output, unread, depth)
    elif kind.startswith("text/"):
        _give_text(part, output, unread)
    else:
        unread.append(_file_name(part) or kind)


def _give_best_form(forms: list[Message], output: Output, unread: list[str], depth: int) -> None:
    """Output one of several forms of the same, and what is attached to the others."""
    plain = (one for one in forms if one.get_content_type() == "text/plain" and _has_words(one))
    pages = (one for one in reversed(forms) if one.get_content_type() == "text/html")
    best = next(plain, None) or next(pages, None)
    for form in forms:
        if best is None or form is best:
            _give_part(form, output, unread, depth)
        else:
            _give_attached(form, output, unread, depth)


def _give_attached(part: Message, output: Output, unread: list[str], depth: int) -> None:
    """Output what a form has besides its text. Some programs put the attachments into the page's form."""
    if part.get_content_maintype() == "multipart":
        for one in _parts(part):
            _give_attached(one, output, unread, depth)
    elif part.get_content_maintype() != "text" or _file_name(part):
        _give_part(part, output, unread, depth)


def _give_text(part: Message, output: Output, unread: list[str]) -> None:
    name = _file_name(part)
    if name:
        output.paragraph(name)
    try:
        if part.get_content_type() == "text/html":
            read_page(_data(part), output, part.get_content_charset(""))
        else:
            give_paragraphs(_text(part, output), output)
    except Unreadable:
        # One attachment that is odd costs no other.
        if not name:
            raise
        unread.append(name)


def _has_words(part: Message) -> bool:
    try:
        return bool(clean(_text(part)))
    except Unreadable:
        return False


def _text(part: Message, output: Output | None = None) -> str:
    return decode(_data(part), part.get_content_charset(""), output)


def _data(part: Message) -> bytes:
    return cast("bytes", part.get_payload(decode=True) or b"")


def _parts(part: Message) -> list[Message]:
    payload: Any = part.get_payload()
    return [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []


def _header(message: Message, name: str) -> str:
    try:
        return " ".join(str(message.get(name, "")).split())
    except (ValueError, LookupError, AttributeError, TypeError):
        # Some malformed headers are too much for the parser.
        return ""


def _file_name(part: Message) -> str:
    try:
        return part.get_filename("")
    except (ValueError, LookupError, AttributeError, TypeError):
        return ""
