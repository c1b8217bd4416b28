"""Faults that replace an answer of Azure AI Search."""

from typing import assert_never

from ...mock.script import faults
from ..gateway import wire
from ..gateway.error_faults import html_reply, reason_phrase, retry_headers
from ..gateway.reply import Reply
from . import errors


def error_reply(fault: faults.SearchFault) -> Reply:
    """The reply that replaces the answer."""
    match fault:
        case faults.Html():
            return html_reply()
        case faults.Status():
            return _status(fault)
        case _:
            assert_never(fault)


def _status(fault: faults.Status) -> Reply:
    headers = retry_headers(fault)
    match fault.body:
        case "html":
            return html_reply(fault.status, headers)
        case "empty":
            return Reply.of(b"", headers, fault.status)
        case "azure":
            error = errors.search_error(fault.status, fault.message or _message(fault.status), fault.code or "")
            return Reply.of(wire.json_bytes(error.body), {"content-type": wire.JSON, **headers}, fault.status)
        case _:
            assert_never(fault.body)


def _message(status: int) -> str:
    match status:
        case 403:
            return errors.WRONG_KEY
        case 413:
            return errors.TOO_LARGE
        case 429:
            return errors.THROTTLED
        case _:
            return reason_phrase(status)
