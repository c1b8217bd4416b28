"""Error responses, as Azure and other engines send them, are converted to what they mean."""

from __future__ import annotations

import datetime
import email.utils
from typing import Any

import httpx2
import openai
import pytest

from mockbackend.errors import ContextExceeded, PromptRefused, UnsupportedParameter, UpstreamError
from mockbackend.upstream.error_responses import from_body, from_status
from tests.harness.http_client import PLAIN

SETTINGS = {"address": "THE_ADDRESS", "key": "THE_KEY", "version": "THE_VERSION", "deployment": "THE_DEPLOYMENT"}
SECRET = "sk-secret at host.internal"
CLIENT = openai.AsyncOpenAI(api_key="k", http_client=httpx2.AsyncClient(**PLAIN))
REQUEST = httpx2.Request("POST", "http://host.internal/openai")


def _status(status: int, body: Any = None, **headers: str) -> UpstreamError:
    """The error for a response of this status, of which the client itself makes the exception."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx2.Response(status, json=body, headers=named, request=REQUEST)
    error = CLIENT._make_status_error_from_response(response)
    return from_status(error, SETTINGS)


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
def test_a_missing_model_is_distinguished_from_a_wrong_path(body: Any, names: str) -> None:
    failure = _status(404, body)
    assert names in failure.message
    assert not failure.retryable


def test_a_setting_that_stands_for_two_is_named_once() -> None:
    error = CLIENT._make_status_error_from_response(httpx2.Response(404, json=[], request=REQUEST))
    failure = from_status(error, {**SETTINGS, "version": "THE_ADDRESS"})
    assert failure.message == "The model API does not know this path. The operator should check THE_ADDRESS."


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("code", ["content_filter", "content_policy_violation", "moderation_blocked", "contentFilter"])
def test_a_refused_prompt_is_recognized_by_any_of_its_codes(status: int, code: str) -> None:
    assert isinstance(_status(status, _error(code, "x")), PromptRefused)


UNSUPPORTED = [
    (_error("unsupported_parameter", "x", param="max_tokens"), "max_tokens"),
    (_error("unsupported_value", "x", param="temperature"), "temperature"),
    (_error("unknown_parameter", "x", param="style"), "style"),
    (_error(None, "Unrecognized request argument supplied: stream_options"), "stream_options"),
    (_error(None, "Unrecognized request arguments supplied: a, b"), "a"),
]


@pytest.mark.parametrize(("body", "parameter"), UNSUPPORTED)
def test_an_unsupported_parameter_is_named(body: Any, parameter: str) -> None:
    failure = _status(400, body)
    assert isinstance(failure, UnsupportedParameter)
    assert failure.parameter == parameter


def test_a_parameter_that_is_not_a_name_is_not_shown() -> None:
    failure = _status(400, _error("unsupported_parameter", "x", param=f"<b>{SECRET}</b>"))
    assert not isinstance(failure, UnsupportedParameter)
    assert "secret" not in failure.message


def test_the_length_of_the_context_is_read() -> None:
    message = "This model's maximum context length is 128000 tokens. However, your messages resulted in 131072 tokens."
    failure = _status(400, _error("context_length_exceeded", message, param="messages"))
    assert isinstance(failure, ContextExceeded)
    assert failure.limit == 128_000
    other = from_body({"code": "context_length_exceeded"}, SETTINGS)
    assert isinstance(other, ContextExceeded)
    assert other.limit is None


@pytest.mark.parametrize("status", [300, 402, 405, 409, 410, 413, 415, 418, 451])
def test_any_other_status_is_not_retried(status: int) -> None:
    failure = _status(status, _error("x", SECRET))
    assert not failure.retryable
    assert "secret" not in failure.message


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
    failure = _status(status, _error("x", "x"), **headers)
    assert failure.retryable
    assert failure.retry_after == seconds


@pytest.mark.parametrize(
    ("retry_after", "words"),
    [("0.2", "1 second."), ("2", "2 seconds."), ("240", "4 minutes."), ("86400", "24 hours.")],
)
def test_a_wait_is_said_in_words(retry_after: str, words: str) -> None:
    assert words in _status(429, _error("x", "x"), retry_after=retry_after).message


def test_a_wait_may_be_a_date() -> None:
    at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=100)
    wait = _status(429, None, retry_after=email.utils.format_datetime(at, usegmt=True)).retry_after
    assert wait is not None
    assert 90 < wait <= 100


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (500, "context deadline exceeded (Client.Timeout exceeded while awaiting headers, context canceled)"),
        (500, "the context limit of the worker was reached"),
        (500, "failed to allocate memory for the context window"),
        (400, "Daily token limit exceeded for this key"),
        (400, "Your token limit has been exceeded"),
        (400, "The monthly limit of input tokens is used up: input tokens limit exceeded"),
    ],
)
def test_what_is_no_complaint_of_the_length_narrows_nothing(status: int, message: str) -> None:
    assert not isinstance(_status(status, _error("", message)), ContextExceeded)


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (500, "", "This model's maximum context length is 4096 tokens."),
        (500, "context_length_exceeded", "No."),
        (500, "", "input length exceeds maximum context length"),
        (500, "", "the input length exceeds the context length"),
        (500, "api_error", "prompt is longer than the context window"),
        (500, "", "input (7000 tokens) is too large to process. increase the physical batch size"),
        (400, "", "Your prompt exceeds the token limit"),
        (400, "", "The request exceeds the model's context"),
    ],
)
def test_what_complains_of_the_length_is_told_whatever_its_status(status: int, code: str, message: str) -> None:
    assert isinstance(_status(status, _error(code, message)), ContextExceeded)
