"""The model API's error responses as UpstreamError: a status and a body, or an `error` object inside a 200."""

from __future__ import annotations

import re
from collections.abc import Mapping

import openai

from ..errors import ContextExceeded, PromptRefused, RequestRefused, UnsupportedParameter, UpstreamError, in_seconds
from .context_errors import exceeded, is_certain
from .error_body import ErrorBody, read_error
from .refusals import names_in, refusal_of
from .retry import retry_after

REFUSED_PROMPT_CODES = {"content_filter", "content_policy_violation", "moderation_blocked", "contentFilter"}
INVALID_VALUE_CODES = {"invalid_value", "invalid_enum_value", "integer_below_min_value", "integer_above_max_value"}
RATE_LIMITS = re.compile("429|rate_limit", re.IGNORECASE)
# No sentence has this form, so the log may show it.
NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)

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


def from_body(body: object, settings: Mapping[str, str]) -> UpstreamError:
    """The error for an `error` object that came inside a 200."""
    error = read_error(body)
    if error.status is not None and error.status not in (408, 429) and error.status < 500:
        return _from_status(error.status, error, settings, {})
    if error.code in REFUSED_PROMPT_CODES:
        return PromptRefused()
    if RATE_LIMITS.search(error.code):
        return UpstreamError(RATE_LIMITED.format(wait="a minute"), reason="rate_limit", retryable=True)
    return (
        exceeded(error)
        or refusal_of(error)
        or UpstreamError(
            "The model API failed while answering. Please try again.", reason="server_error", retryable=True
        )
    )


def from_status(error: openai.APIStatusError, settings: Mapping[str, str]) -> UpstreamError:
    """The error for a response with an error status."""
    return _from_status(error.status_code, read_error(error.body), settings, error.response.headers)


def _from_status(
    status: int, error: ErrorBody, settings: Mapping[str, str], headers: Mapping[str, str]
) -> UpstreamError:
    code, message = error.code, error.message
    if status in (404, 413, 429, 500) and (refusal := _of_the_table(status, error)):
        return refusal
    match status:
        case 400 | 422:
            return _from_bad_request(error, settings)
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
        case 413:
            # Of a proxy before the engine, which counts bytes.
            return ContextExceeded()
        case 408:
            return UpstreamError("The model API timed out. Please try again.", reason="timeout", retryable=True)
        case 429:
            wait = retry_after(headers)
            return UpstreamError(_rate_limit_message(wait), reason="rate_limit", retryable=True, retry_after=wait)
        case status if status >= 500:
            return UpstreamError(
                "The model API reported an internal error. Please try again.",
                reason="server_error",
                retryable=True,
                retry_after=retry_after(headers),
            )
        case _:
            return UpstreamError(REFUSED)


def _of_the_table(status: int, error: ErrorBody) -> UpstreamError | None:
    """A refusal under another status than 400 or 422, where its words leave no doubt."""
    if status == 429 and "request too large" not in error.message.lower():
        return None
    too_long = exceeded(error)
    if status == 500 and too_long and too_long.limit is None and not is_certain(error):
        # It may as well be a failure that passes, in words that are alike.
        return None
    found = too_long or (refusal_of(error) if status != 429 else None)
    return None if isinstance(found, UnsupportedParameter) and found.parameter != "tools" else found


def _from_bad_request(error: ErrorBody, settings: Mapping[str, str]) -> UpstreamError:
    if error.code in REFUSED_PROMPT_CODES:
        return PromptRefused()
    if too_long := exceeded(error):
        return too_long
    if error.code in INVALID_VALUE_CODES and NAME.fullmatch(error.param) and "messages" not in error.param:
        return UpstreamError(
            f"The model does not support this value of '{error.param}'. Please choose another.", refused=True
        )
    if refusal := refusal_of(error):
        return refusal
    if "api version" in error.message.lower():
        return UpstreamError(WRONG_VERSION.format(**settings))
    if error.code == "OperationNotSupported":
        return UpstreamError(WRONG_MODEL.format(**settings))
    return RequestRefused(REFUSED, filter(None, [error.param, *names_in(error.message)]), error.message)


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
