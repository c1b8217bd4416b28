"""The model API's error responses as UpstreamError: a status and a body, or an `error` object inside a 200."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import openai

from ..errors import ContextExceeded, PromptRefused, UnsupportedParameter, UpstreamError, in_seconds
from .retry import retry_after

REFUSED_PROMPT_CODES = {"content_filter", "content_policy_violation", "moderation_blocked", "contentFilter"}
UNSUPPORTED_CODES = {"unsupported_parameter", "unsupported_value", "unknown_parameter"}
INVALID_VALUE_CODES = {"invalid_value", "invalid_enum_value", "integer_below_min_value", "integer_above_max_value"}
# Ollama says the first of a model without tools, vLLM the second if it was started without them.
NO_TOOLS = re.compile(r"does not support tools|tool choice requires", re.IGNORECASE)
UNRECOGNIZED = re.compile(r"Unrecognized request arguments? supplied: (\w+)")
# vLLM has no code for it.
CONTEXT_LIMIT = re.compile(r"maximum context length is (\d+)")
# No sentence has this form, so the log may show it.
NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)
PARAMETER = re.compile(r"[A-Za-z_][\w.]{0,63}", re.ASCII)

RATE_LIMITED = "The model API's rate limit is reached. Please try again in {wait}."
REFUSED = "The model API refused the request. The operator can find the reason in the log."
BLOCKED = "The model API has blocked this account for now. The operator can find the reason in the log."
NO_ROLE = (
    "The model API accepts the key but does not allow this call. The operator should give the key's owner a role that "
    "may use the deployments of {address}."
)
WRONG_KEY = "The model API refused the key. The operator should check {}."
FORBIDDEN = "The model API does not allow this call. The operator should check its network rules and {key}."
WRONG_PATH = "The model API does not know this path. The operator should check {}."
NO_DEPLOYMENT = "The model deployment was not found. The operator should check {deployment}."
WRONG_VERSION = "The model API does not support this API version. The operator should check {version}."
WRONG_MODEL = "The deployment's model cannot answer this kind of request. The operator should check {deployment}."


def _both(one: str, other: str) -> str:
    # An engine without versions has one setting for both.
    return one if one == other else f"{one} and {other}"


def described(body: object) -> str:
    """An error object for the log: its codes, but of its message only the length, since it may repeat the prompt."""
    if not isinstance(body, dict):
        return f"and {len(str(body or ''))} characters"
    names = [f"{key}={body[key]} " for key in ("code", "type", "param") if NAME.fullmatch(str(body.get(key) or ""))]
    return f"{''.join(names)}and a message of {len(str(body.get('message') or ''))} characters"


def from_body(body: object) -> UpstreamError:
    """The error for an `error` object that came inside a 200."""
    error = body if isinstance(body, dict) else {}
    code = str(error.get("code") or "")
    if code in REFUSED_PROMPT_CODES:
        return PromptRefused()
    if code == "429" or "rate_limit" in code:
        return UpstreamError(RATE_LIMITED.format(wait="a minute"), reason="rate_limit", retryable=True)
    if code == "context_length_exceeded":
        return _context_exceeded(str(error.get("message") or ""))
    return UpstreamError(
        "The model API failed while answering. Please try again.", reason="server_error", retryable=True
    )


def from_status(error: openai.APIStatusError, settings: Mapping[str, str]) -> UpstreamError:
    """The error for a response with an error status."""
    body: dict[str, Any] = error.body if isinstance(error.body, dict) else {}
    code, message = str(body.get("code") or ""), str(body.get("message") or "")
    match error.status_code:
        case 400 | 422:
            return _from_bad_request(body, code, message, settings)
        case 401 if code == "PermissionDenied":
            return UpstreamError(NO_ROLE.format(**settings))
        case 401:
            return UpstreamError(WRONG_KEY.format(_both(settings["key"], settings["address"])))
        case 403 if "temporarily blocked" in message:
            return UpstreamError(BLOCKED)
        case 403:
            return UpstreamError(FORBIDDEN.format(**settings))
        case 404 if code == "no_rule":
            # Of the emulator, whose script is strict.
            return UpstreamError(message)
        # Engines report a missing model in many ways, but they name it; a proxy's page or `Not Found` does not.
        case 404 if re.search("deployment|model", f"{code} {message}", re.IGNORECASE):
            return UpstreamError(NO_DEPLOYMENT.format(**settings))
        case 404:
            return UpstreamError(WRONG_PATH.format(_both(settings["version"], settings["address"])))
        case 408:
            return UpstreamError("The model API timed out. Please try again.", reason="timeout", retryable=True)
        case 429:
            wait = retry_after(error.response.headers)
            return UpstreamError(_rate_limit_message(wait), reason="rate_limit", retryable=True, retry_after=wait)
        case status if status >= 500:
            return UpstreamError(
                "The model API reported an internal error. Please try again.",
                reason="server_error",
                retryable=True,
                retry_after=retry_after(error.response.headers),
            )
        case _:
            return UpstreamError(REFUSED)


def _from_bad_request(body: dict[str, Any], code: str, message: str, settings: Mapping[str, str]) -> UpstreamError:
    if code in REFUSED_PROMPT_CODES:
        return PromptRefused()
    if code == "context_length_exceeded" or CONTEXT_LIMIT.search(message):
        return _context_exceeded(message)
    parameter = str(body.get("param") or "")
    if PARAMETER.fullmatch(parameter):
        if code in UNSUPPORTED_CODES:
            return UnsupportedParameter(parameter)
        if code in INVALID_VALUE_CODES:
            return UpstreamError(
                f"The model does not support this value of '{parameter}'. Please choose another.", refused=True
            )
    if unrecognized := UNRECOGNIZED.search(message):
        return UnsupportedParameter(unrecognized[1])
    if NO_TOOLS.search(message):
        return UnsupportedParameter("tools")
    if "api version" in message.lower():
        return UpstreamError(WRONG_VERSION.format(**settings))
    if code == "OperationNotSupported":
        return UpstreamError(WRONG_MODEL.format(**settings))
    return UpstreamError(REFUSED, refused=True)


def _context_exceeded(message: str) -> ContextExceeded:
    limit = CONTEXT_LIMIT.search(message)
    return ContextExceeded(int(limit[1]) if limit else None)


def _rate_limit_message(wait: float | None) -> str:
    if wait is None:
        return RATE_LIMITED.format(wait="a minute")
    if wait < 120:
        return RATE_LIMITED.format(wait=in_seconds(max(1, round(wait))))
    if wait < 2 * 3600:
        return RATE_LIMITED.format(wait=f"{round(wait / 60)} minutes")
    return (
        f"The model API's quota is used up for the next {round(wait / 3600)} hours. The operator should have it raised."
    )
