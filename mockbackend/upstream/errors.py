"""What the model API's failures are to us: its exceptions and error bodies, turned into UpstreamError in one place.

The words are ours; the upstream's own (and its `apim-request-id`) go to the log, and never to a client.
"""

from __future__ import annotations

import email.utils
import math
import re
import time
from collections.abc import Mapping
from typing import Any

import aiohttp
import openai

from ..errors import ContextExceeded, PromptRefused, UnsupportedParameter, UpstreamError

REFUSED_PROMPT_CODES = {"content_filter", "content_policy_violation", "moderation_blocked", "contentFilter"}
UNSUPPORTED_CODES = {"unsupported_parameter", "unsupported_value", "unknown_parameter"}
# Ollama's words for a model without tools, and vLLM's for one that was started without them.
NO_TOOLS = re.compile(r"does not support tools|tool choice requires", re.IGNORECASE)
UNRECOGNIZED = re.compile(r"Unrecognized request arguments? supplied: (\w+)")
# vLLM has no code for it.
CONTEXT_LIMIT = re.compile(r"maximum context length is (\d+)")

PARAMETER = re.compile(r"[A-Za-z_][\w.]{0,63}", re.ASCII)
INVALID_VALUE_CODES = {"invalid_value", "invalid_enum_value", "integer_below_min_value", "integer_above_max_value"}

UNREACHABLE = "The model API cannot be reached. The operator should check {address} and the network."
REFUSED = "The model API refused the request. The operator will find the reason in the log."


# Made anew each time: an exception that is raised twice keeps the frames of both.
def truncated() -> UpstreamError:
    """The answer ended before its end."""
    return UpstreamError("The model's answer was cut off. Please try again.", retryable=True)


def invalid_response() -> UpstreamError:
    """What came is no answer."""
    return UpstreamError("The model API sent something that is no answer. Please try again.", retryable=True)


def silent() -> UpstreamError:
    """Nothing came for too long."""
    return UpstreamError("The model API fell silent for too long. Please try again.", retryable=True)


def from_exception(error: Exception, settings: Mapping[str, str]) -> UpstreamError:
    """Our error for one of the client library's or of its transport's.

    `settings` names the settings to mend: address, key, deployment and version.
    """
    match error:
        case UpstreamError():
            return error
        case openai.APIStatusError():
            return _from_status(error, settings)
        case openai.APIConnectionError():
            return _from_transport(error.__cause__, settings) or _unreachable(settings)
        case openai.APIError():
            return from_body(error.body, settings)
        case _:
            # The transport's own exceptions come through in mid-stream: whatever else they are, the answer is cut.
            return _from_transport(error, settings) or truncated()


def _from_transport(error: BaseException | None, settings: Mapping[str, str]) -> UpstreamError | None:
    """Our error for one that aiohttp has raised; None for one that tells by its moment alone what it is."""
    match error:
        case aiohttp.ConnectionTimeoutError() | aiohttp.ClientConnectorError() | aiohttp.ClientHttpProxyError():
            return _unreachable(settings)
        case TimeoutError():
            return silent()
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | aiohttp.ClientPayloadError():
            return truncated()
        case _:
            return None


def _unreachable(settings: Mapping[str, str]) -> UpstreamError:
    return UpstreamError(UNREACHABLE.format(**settings), retryable=True)


def from_body(body: object, settings: Mapping[str, str]) -> UpstreamError:
    """Our error for an `error` object that came inside a 200."""
    error = body if isinstance(body, dict) else {}
    code = str(error.get("code") or "")
    if code in REFUSED_PROMPT_CODES:
        return PromptRefused()
    if code == "429" or "rate_limit" in code:
        return UpstreamError("The model API is over its rate limit. Please try again in a minute.", retryable=True)
    if code == "context_length_exceeded":
        return _too_long(str(error.get("message") or ""))
    return UpstreamError("The model API failed while answering. Please try again.", retryable=True)


def _from_status(error: openai.APIStatusError, settings: Mapping[str, str]) -> UpstreamError:
    body: dict[str, Any] = error.body if isinstance(error.body, dict) else {}
    code, message = str(body.get("code") or ""), str(body.get("message") or "")
    match error.status_code:
        case 400 | 422:
            return _from_bad_request(body, code, message, settings)
        case 401 if code == "PermissionDenied":
            return UpstreamError(
                "The model API knows the key but lets it do nothing. The operator should give its owner a role that "
                "may call the deployments of {address}.".format(**settings)
            )
        case 401:
            return UpstreamError(
                "The model API refused the key. The operator should check {key} and {address}.".format(**settings)
            )
        case 403:
            if "temporarily blocked" in message:
                return UpstreamError("The model API has blocked this account for a time.")
            return UpstreamError(
                "The model API forbids this call. The operator should check its network rules and {key}.".format(
                    **settings
                )
            )
        case 404:
            # Engines word a missing model in many ways, but they name it; a proxy's page or `Not Found` does not.
            if not re.search("deployment|model", f"{code} {message}", re.IGNORECASE):
                return UpstreamError(
                    "The model API does not know this path. The operator should check {version} and {address}.".format(
                        **settings
                    )
                )
            return UpstreamError(
                "The model deployment was not found. The operator should check {deployment}.".format(**settings)
            )
        case 429:
            wait = retry_after(error.response.headers)
            return UpstreamError(_busy_words(wait), retryable=True, retry_after=wait)
        case 408:
            return UpstreamError("The model API timed out. Please try again.", retryable=True)
        case status if status >= 500:
            wait = retry_after(error.response.headers)
            return UpstreamError(
                "The model API has a fault of its own. Please try again.", retryable=True, retry_after=wait
            )
        case _:
            return UpstreamError(REFUSED)


def _from_bad_request(body: dict[str, Any], code: str, message: str, settings: Mapping[str, str]) -> UpstreamError:
    if code in REFUSED_PROMPT_CODES:
        return PromptRefused()
    if code == "context_length_exceeded" or CONTEXT_LIMIT.search(message):
        return _too_long(message)
    parameter = str(body.get("param") or "")
    if PARAMETER.fullmatch(parameter):
        if code in UNSUPPORTED_CODES:
            return UnsupportedParameter(parameter)
        if code in INVALID_VALUE_CODES:
            return UpstreamError(f"The model does not take this value of '{parameter}'.", refused=True)
    if unrecognized := UNRECOGNIZED.search(message):
        return UnsupportedParameter(unrecognized[1])
    if NO_TOOLS.search(message):
        return UnsupportedParameter("tools")
    if "api version" in message.lower():
        return UpstreamError(
            "The model API does not serve this API version. The operator should check {version}.".format(**settings)
        )
    if code == "OperationNotSupported":
        return UpstreamError(
            "The deployment is of another kind of model. The operator should check {deployment}.".format(**settings)
        )
    return UpstreamError(REFUSED, refused=True)


def _too_long(message: str) -> ContextExceeded:
    limit = CONTEXT_LIMIT.search(message)
    return ContextExceeded(int(limit[1]) if limit else None)


def _busy_words(wait: float | None) -> str:
    if wait is None:
        return "The model API is over its rate limit. Please try again in a minute."
    if wait < 120:
        return f"The model API is over its rate limit. Please try again in {max(1, round(wait))} seconds."
    if wait < 2 * 3600:
        return f"The model API is over its rate limit. Please try again in {round(wait / 60)} minutes."
    return f"The model API is over its quota for the next {round(wait / 3600)} hours. The operator should raise it."


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The wait that `retry-after-ms` or `retry-after` (seconds, or a date) asks for, in seconds."""
    try:
        if (milliseconds := headers.get("retry-after-ms")) is not None:
            wait = float(milliseconds) / 1000
        elif (value := headers.get("retry-after")) is None:
            return None
        else:
            try:
                wait = float(value)
            except ValueError:
                wait = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, wait) if math.isfinite(wait) else None
