"""The faults that requests ask of the mock, in words of the service: refusals, responses in place of a call, frames."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp

from ..errors import ServiceError, unusable
from ..events import Failed, StepEnded, TurnEnded, Usage
from ..mock.script.asked import HELP, Asked, AskedError, read_asked
from ..mock.script.wire import Wire
from ..mock.wire_faults import FaultyDocument, FaultyStream, Lines
from ..protocol.links import Links
from .front_call import FrontCall
from .json import error_response
from .stream import EventStream

HEADER = b"x-mock"
ERROR = "The mock was asked for this error."
PAGE = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"
BODILESS = (204, 205, 304)


def read(request: Request, commands: list[str]) -> Asked | None:
    """What the request's header and these commands ask. Raises ServiceError: 422."""
    headers = [_text(value) for name, value in request.scope["headers"] if name == HEADER]
    try:
        return read_asked(", ".join(headers) if headers else None, commands)
    except AskedError as error:
        raise unusable(str(error)) from None


def passed_on(asked: Asked) -> dict[str, str]:
    """The headers of model calls by which the emulator knows of it."""
    if asked.help or asked.corner:
        return {"x-mock": HELP if asked.help else f"corner={asked.corner}"}
    return {}


def faulty(response: Response, asked: Asked, call: FrontCall | None) -> ASGIApp:
    """The response with the fault on its way, if it is one of the front end's wire."""
    if asked.wire is None:
        return response
    if isinstance(response, EventStream) and call:
        return FaultyStream(response, asked.wire, _lines(response), call.holds, call.entry)
    return FaultyDocument(response, asked.wire)


def in_place(wire: Wire, status: int) -> Response:
    """The response with this status in place of the call."""
    headers = {} if wire.retry_after is None else {"retry-after": _retry_after(wire.retry_after)}
    if wire.body == "empty" or status in BODILESS:
        return Response(status_code=status, headers=headers)
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Error"
    if wire.body == "html":
        return HTMLResponse(PAGE.format(f"{status} {phrase}"), status, headers)
    code = "".join(letter if letter.isalnum() else "_" for letter in phrase.lower())
    return error_response(ServiceError(status, code, wire.message or ERROR, headers))


def _retry_after(value: float | str) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _lines(stream: EventStream) -> Lines:
    framing = stream.framing
    failure = framing.open_stream(Links(""))([Failed(ERROR), StepEnded("error", Usage()), TurnEnded("error", Usage())])
    return Lines(
        framing.frame_end,
        framing.tool_results,
        framing.keep_alive,
        framing.unknown,
        failure,
        stream.keep_alive_seconds,
    )


def _text(header: bytes) -> str:
    try:
        return header.decode()
    except UnicodeDecodeError:
        return header.decode("latin-1")
