"""The model API's failures as UpstreamError: the exceptions of its client and of the transport, in one table.

The messages are our own. What the model API said, and its `apim-request-id`, go to the log and never to a client.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import httpx2
import openai

from ..errors import UpstreamError
from .error_responses import from_body, from_status

# Of an exception, and of the settings that may have to be corrected: address, key, deployment and version.
Convert = Callable[[Any, Mapping[str, str]], UpstreamError]


# Functions, not constants: an exception that is raised twice keeps the frames of both.
def truncated() -> UpstreamError:
    """The error for a response that ended too early."""
    return UpstreamError("The model's answer was cut off. Please try again.", reason="cut", retryable=True)


def invalid_response() -> UpstreamError:
    """The error for a response that is not what the API promises."""
    return UpstreamError(
        "The model API sent an invalid response. Please try again.", reason="invalid_response", retryable=True
    )


def timed_out() -> UpstreamError:
    """The error for a response that did not come in time, or not to its end."""
    return UpstreamError("The model API did not respond in time. Please try again.", reason="timeout", retryable=True)


def unreachable(settings: Mapping[str, str]) -> UpstreamError:
    """The error where there is no connection to the model API."""
    message = "The model API cannot be reached. The operator should check {address} and the network."
    return UpstreamError(message.format(**settings), reason="unreachable", retryable=True)


def _from_connection_error(error: openai.APIConnectionError, settings: Mapping[str, str]) -> UpstreamError:
    # It says nothing itself, and wraps what the transport raised.
    return from_exception(error.__cause__, settings) if error.__cause__ else unreachable(settings)


# An exception is converted as its nearest base class here.
CONVERTERS: Mapping[type[BaseException], Convert] = {
    UpstreamError: lambda error, settings: error,
    openai.APIStatusError: from_status,
    openai.APIConnectionError: _from_connection_error,
    openai.APIError: lambda error, settings: from_body(error.body, settings),
    **dict.fromkeys(
        (
            aiohttp.ClientConnectorError,
            aiohttp.ConnectionTimeoutError,
            aiohttp.ClientHttpProxyError,
            aiohttp.InvalidURL,
            aiohttp.NonHttpUrlClientError,
            httpx2.ConnectError,
            httpx2.ConnectTimeout,
            httpx2.ProxyError,
            httpx2.UnsupportedProtocol,
            httpx2.TooManyRedirects,
            httpx2.InvalidURL,
        ),
        lambda error, settings: unreachable(settings),
    ),
    **dict.fromkeys(
        (TimeoutError, aiohttp.ServerTimeoutError, httpx2.TimeoutException),
        lambda error, settings: timed_out(),
    ),
    **dict.fromkeys(
        (OSError, aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, httpx2.TransportError),
        lambda error, settings: truncated(),
    ),
    **dict.fromkeys(
        (aiohttp.ClientResponseError, httpx2.DecodingError, httpx2.HTTPStatusError),
        lambda error, settings: invalid_response(),
    ),
}


def converter(kind: type[BaseException]) -> Convert | None:
    """How exceptions of that class are converted; None where the table has no base of it."""
    return next((CONVERTERS[base] for base in kind.__mro__ if base in CONVERTERS), None)


def from_exception(error: BaseException, settings: Mapping[str, str]) -> UpstreamError:
    """The error for an exception that a call has raised. `settings` names what may have to be corrected."""
    convert = converter(type(error))
    # Something broke while the response was read.
    return convert(error, settings) if convert else truncated()
