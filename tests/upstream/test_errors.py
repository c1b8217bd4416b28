"""Every exception of the model API's client and of its transport is converted to an UpstreamError."""

from __future__ import annotations

from types import ModuleType

import aiohttp
import httpx2
import openai
import pytest

from mockbackend.errors import UpstreamError
from mockbackend.server.lazy_imports import fill
from mockbackend.upstream import errors

SETTINGS = {"address": "THE_ADDRESS", "key": "THE_KEY", "version": "THE_VERSION", "deployment": "THE_DEPLOYMENT"}
SECRET = "sk-secret at host.internal"
REQUEST = httpx2.Request("POST", "http://host.internal/openai")
CUT, TIMED_OUT, INVALID = "cut off", "did not respond in time", "an invalid response"
UNREACHABLE = "cannot be reached"


def _exceptions(library: ModuleType) -> list[type[Exception]]:
    """The exceptions that a library exports."""
    # By its own type: openai also exports objects that open a client when they are asked for their class.
    classes = [value for value in vars(library).values() if issubclass(type(value), type)]
    return sorted({kind for kind in classes if issubclass(kind, Exception)}, key=lambda kind: kind.__name__)


def _made(kind: type[Exception]) -> Exception:
    """An instance, made past its constructor: what counts is its class."""
    error: Exception = kind.__new__(kind, SECRET)
    error.args = (SECRET,)
    if isinstance(error, openai.APIError):
        error.body, error.message, error.request = None, SECRET, REQUEST
    if isinstance(error, openai.APIStatusError):
        error.status_code = 418
        error.response = httpx2.Response(418, request=REQUEST)
    return error


# What stands in for a type that is not loaded yet would pass for an exception.
fill("openai")
OF_LIBRARIES = [kind for library in (openai, httpx2, aiohttp) for kind in _exceptions(library)]
EXCEPTIONS = [*OF_LIBRARIES, TimeoutError, ConnectionResetError, BrokenPipeError, OSError, ValueError, RuntimeError]
# What none of our calls raises: bases that are never raised themselves, and errors of other uses of the libraries.
# fmt: off
NEVER_RAISED = {
    "OpenAIError", "HTTPError", "RequestError", "ClientError", "RedirectClientError",
    "StreamError", "StreamConsumed", "StreamClosed", "ResponseNotRead", "RequestNotRead", "EofStream",
    "BadContentDispositionHeader", "BadContentDispositionParam", "CookieConflict", "UploadAbortedError",
    "LengthFinishReasonError", "ContentFilterFinishReasonError", "SubjectTokenProviderError",
    "InvalidWebhookSignatureError", "WebSocketConnectionClosedError", "WebSocketQueueFullError", "WebSocketError",
    "WSMessageTypeError", "_AmbiguousModuleClientUsageError",
}
# fmt: on


@pytest.mark.parametrize("kind", OF_LIBRARIES, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_exception_of_the_libraries_has_its_converter(kind: type[Exception]) -> None:
    # A new one belongs in the table of upstream/errors.py, or above if our calls cannot raise it.
    assert (errors.converter(kind) is None) == (kind.__name__ in NEVER_RAISED)


@pytest.mark.parametrize("kind", EXCEPTIONS, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_no_message_quotes_the_exception(kind: type[Exception]) -> None:
    for wrapped in (False, True):
        error = _made(kind)
        if wrapped:
            outer = openai.APIConnectionError(request=REQUEST)
            outer.__cause__ = error
            error = outer
        failure = errors.from_exception(error, SETTINGS)
        assert isinstance(failure, UpstreamError)
        assert failure.message
        assert "secret" not in failure.message
        assert "internal" not in failure.message


def _caused(cause: Exception) -> Exception:
    """What the client makes of whatever its transport raises."""
    error = openai.APIConnectionError(request=REQUEST)
    error.__cause__ = cause
    return error


CONNECTIONS = [
    (_caused(_made(aiohttp.ClientConnectorError)), UNREACHABLE),
    (_caused(_made(aiohttp.ClientConnectorDNSError)), UNREACHABLE),
    (_caused(_made(aiohttp.ClientConnectorCertificateError)), UNREACHABLE),
    (_caused(_made(aiohttp.ClientProxyConnectionError)), UNREACHABLE),
    (_made(aiohttp.ClientHttpProxyError), UNREACHABLE),
    (_caused(aiohttp.ConnectionTimeoutError()), UNREACHABLE),
    (_caused(aiohttp.SocketTimeoutError()), TIMED_OUT),
    (_caused(aiohttp.ServerDisconnectedError()), CUT),
    (_caused(aiohttp.ClientOSError(104, "reset")), CUT),
    (_caused(aiohttp.ClientPayloadError("x")), CUT),
    (aiohttp.SocketTimeoutError(), TIMED_OUT),
    (TimeoutError(), TIMED_OUT),
    (aiohttp.ClientOSError(104, "reset"), CUT),
    (aiohttp.ClientPayloadError("x"), CUT),
    (ConnectionResetError(104, "reset"), CUT),
]


@pytest.mark.parametrize(
    ("error", "says"),
    CONNECTIONS,
    ids=[f"{type(error.__cause__ or error).__name__}-{n}" for n, (error, _) in enumerate(CONNECTIONS)],
)
def test_the_failures_of_connections_are_distinguished_and_can_be_retried(error: Exception, says: str) -> None:
    failure = errors.from_exception(error, SETTINGS)
    assert says in failure.message
    assert failure.retryable
    assert ("THE_ADDRESS" in failure.message) == (says == UNREACHABLE)


def test_an_error_that_is_raised_often_does_not_collect_frames() -> None:
    assert errors.truncated() is not errors.truncated()
    assert errors.invalid_response() is not errors.invalid_response()
    assert errors.timed_out() is not errors.timed_out()
