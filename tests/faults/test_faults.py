"""Every exception of the model API's client and of its transport is converted, and so is every error response."""

from __future__ import annotations

import datetime
import email.utils
from typing import Any

import aiohttp
import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockbackend.errors import ContextExceeded, PromptRefused, UnsupportedParameter, UpstreamError
from mockbackend.upstream import errors
from mockbackend.upstream.error_responses import from_body
from mockbackend.upstream.retry import retry_after

SETTINGS = {"address": "THE_ADDRESS", "key": "THE_KEY", "version": "THE_VERSION", "deployment": "THE_DEPLOYMENT"}
SECRET = "sk-secret at host.internal"
REQUEST = httpx2.Request("POST", "http://host.internal/openai")
CUT, TIMED_OUT, INVALID = "cut off", "did not respond in time", "an invalid response"
UNREACHABLE = "cannot be reached"


def _tree(root: type[Any]) -> list[type[Any]]:
    found = [root]
    for kind in root.__subclasses__():
        found += [one for one in _tree(kind) if one not in found]
    return found


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


ROOTS = (openai.OpenAIError, httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, aiohttp.ClientError)
OF_LIBRARIES = [kind for root in ROOTS for kind in _tree(root)]
EXCEPTIONS = [*OF_LIBRARIES, TimeoutError, ConnectionResetError, BrokenPipeError, OSError, ValueError, RuntimeError]
# What none of our calls raises: bases that are never raised themselves, and other uses of the libraries.
# fmt: off
NEVER_RAISED = {
    "OpenAIError", "HTTPError", "RequestError", "ClientError", "RedirectClientError", "StreamError", "StreamConsumed",
    "StreamClosed", "StreamAlreadyConsumed", "ResponseNotRead", "RequestNotRead", "UploadAbortedError",
    "SubjectTokenProviderError", "MutuallyExclusiveAuthError", "LengthFinishReasonError",
    "ContentFilterFinishReasonError", "WebSocketConnectionClosedError", "WebSocketQueueFullError", "APIRemovedInV1",
    "_AmbiguousModuleClientUsageError",
}
# fmt: on


@pytest.mark.parametrize("kind", OF_LIBRARIES, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_exception_of_the_libraries_has_its_converter(kind: type[Exception]) -> None:
    # A new one belongs in the table of upstream/errors.py, or above if our calls cannot raise it.
    assert (errors.converter(kind) is None) == (kind.__name__ in NEVER_RAISED)


@pytest.mark.parametrize("kind", EXCEPTIONS, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_exception_has_words_that_hold_nothing_of_its_own(kind: type[Exception]) -> None:
    for wrapped in (False, True):
        error = _made(kind)
        if wrapped:
            outer = openai.APIConnectionError(request=REQUEST)
            outer.__cause__ = error
            error = outer
        fault = errors.from_exception(error, SETTINGS)
        assert isinstance(fault, UpstreamError)
        assert fault.message
        assert "secret" not in fault.message
        assert "internal" not in fault.message


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
def test_connections_that_fail_are_told_apart_and_asked_again(error: Exception, says: str) -> None:
    fault = errors.from_exception(error, SETTINGS)
    assert says in fault.message
    assert fault.retryable
    assert ("THE_ADDRESS" in fault.message) == (says == UNREACHABLE)


def _status(status: int, body: Any = None, **headers: str) -> UpstreamError:
    """Our error for an answer of this status, made into an exception by the client itself."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx2.Response(status, json=body, headers=named, request=REQUEST)
    error = openai.AsyncOpenAI(api_key="k")._make_status_error_from_response(response)
    return errors.from_exception(error, SETTINGS)


def _error(code: str | int | None, message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, **more}}


# Azure's, OpenAI's, vLLM's, Ollama's, a gateway's.
MISSING = [
    (_error("DeploymentNotFound", "The API deployment for this resource does not exist."), "THE_DEPLOYMENT"),
    (_error("model_not_found", "The model `x` does not exist or you do not have access to it."), "THE_DEPLOYMENT"),
    (_error(404, "The model `x` does not exist.", type="NotFoundError"), "THE_DEPLOYMENT"),
    (_error(None, 'model "x" not found, try pulling it first'), "THE_DEPLOYMENT"),
    (_error("404", "Resource not found"), "THE_VERSION"),
    ({"detail": "Not Found"}, "THE_VERSION"),
    ([], "THE_VERSION"),
]


@pytest.mark.parametrize(("body", "names"), MISSING)
def test_a_missing_model_is_told_from_a_wrong_path(body: Any, names: str) -> None:
    fault = _status(404, body)
    assert names in fault.message
    assert not fault.retryable


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("code", ["content_filter", "content_policy_violation", "moderation_blocked", "contentFilter"])
def test_a_refused_prompt_is_known_by_any_of_its_codes(status: int, code: str) -> None:
    assert isinstance(_status(status, _error(code, "x")), PromptRefused)


UNSUPPORTED = [
    (_error("unsupported_parameter", "x", param="max_tokens"), "max_tokens"),
    (_error("unsupported_value", "x", param="temperature"), "temperature"),
    (_error("unknown_parameter", "x", param="style"), "style"),
    (_error(None, "Unrecognized request argument supplied: stream_options"), "stream_options"),
    (_error(None, "Unrecognized request arguments supplied: a, b"), "a"),
]


@pytest.mark.parametrize(("body", "parameter"), UNSUPPORTED)
def test_a_refused_parameter_is_named(body: Any, parameter: str) -> None:
    fault = _status(400, body)
    assert isinstance(fault, UnsupportedParameter)
    assert fault.parameter == parameter


def test_a_parameter_that_is_no_name_is_not_repeated_to_the_user() -> None:
    fault = _status(400, _error("unsupported_parameter", "x", param=f"<b>{SECRET}</b>"))
    assert not isinstance(fault, UnsupportedParameter)
    assert "secret" not in fault.message


def test_the_figure_of_a_context_that_was_exceeded_is_read() -> None:
    message = "This model's maximum context length is 128000 tokens. However, your messages resulted in 131072 tokens."
    fault = _status(400, _error("context_length_exceeded", message, param="messages"))
    assert isinstance(fault, ContextExceeded)
    assert fault.limit == 128_000
    other = from_body({"code": "context_length_exceeded"})
    assert isinstance(other, ContextExceeded)
    assert other.limit is None


@pytest.mark.parametrize("status", [300, 402, 405, 409, 410, 413, 415, 418, 451])
def test_any_other_status_is_not_asked_again(status: int) -> None:
    fault = _status(status, _error("x", SECRET))
    assert not fault.retryable
    assert "secret" not in fault.message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after_ms": "250"}, 0.25),
        ({"retry_after": "7"}, 7),
        ({"retry_after": "0.5"}, 0.5),
        ({"retry_after": "9", "retry_after_ms": "70"}, 0.07),
        ({"retry_after": "-5"}, 0),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "inf"}, None),
        ({"retry_after_ms": "nan"}, None),
        ({"retry_after_ms": "soon", "retry_after": "3"}, None),
        ({"retry_after": "86400"}, 86400),
        ({}, None),
    ],
)
@pytest.mark.parametrize("status", [429, 500, 503])
def test_the_wait_that_is_asked_for_is_read(status: int, headers: dict[str, str], seconds: float | None) -> None:
    fault = _status(status, _error("x", "x"), **headers)
    assert fault.retryable
    assert fault.retry_after == seconds


def test_a_wait_may_be_a_date() -> None:
    at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=100)
    wait = _status(429, None, retry_after=email.utils.format_datetime(at, usegmt=True)).retry_after
    assert wait is not None
    assert 90 < wait <= 100


@given(st.text(max_size=20))
def test_no_header_makes_reading_the_wait_fail(value: str) -> None:
    for name in ("retry-after", "retry-after-ms"):
        wait = retry_after({name: value})
        assert wait is None or wait >= 0


def test_an_error_that_is_raised_often_keeps_no_frames() -> None:
    assert errors.truncated() is not errors.truncated()
    assert errors.invalid_response() is not errors.invalid_response()
    assert errors.timed_out() is not errors.timed_out()
