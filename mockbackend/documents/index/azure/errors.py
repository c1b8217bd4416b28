"""What the failures of Azure AI Search are to us: its client's exceptions, turned into UpstreamError in one place.

The words are ours; the service's own go to the log.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping

from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError
from azure.core.rest import AsyncHttpResponse

from ....errors import UpstreamError
from ....upstream.retry import retry_after
from .schema import IndexMissing

BUSY = "Azure AI Search is over its limit. Please try again in a minute."
ELSEWHERE = (
    "What answers at AZURE_SEARCH_ENDPOINT is no Azure AI Search. The operator should check the address, which is "
    "that of the search service itself."
)
log = logging.getLogger("mockbackend.documents")


class TooLarge(UpstreamError):
    """The call holds more than the service takes at once."""

    def __init__(self) -> None:
        super().__init__(
            "Azure AI Search refused a passage as too large. The operator should lower PASSAGE_CHARACTERS."
        )


def busy() -> UpstreamError:
    """The service, or one of its documents, wants to be asked again."""
    return UpstreamError(BUSY, retryable=True)


def refused() -> UpstreamError:
    """The request was wrong: ours, or the index's, to mend."""
    return UpstreamError(
        "Azure AI Search refused the request. The operator will find the reason in the log.", refused=True
    )


def from_exception(error: AzureError) -> UpstreamError:
    """Our error for one of the client library's."""
    match error:
        case HttpResponseError(status_code=int(status), response=AsyncHttpResponse() as response) if status >= 400:
            said = response.text()
            failure = _from_status(status, said, response.headers)
            # A missing index is made, and a batch that is too large is halved: neither is news.
            if not isinstance(failure, IndexMissing | TooLarge):
                log.warning("Azure AI Search answered %s: %s", status, said[:500])
            return failure
        case HttpResponseError():
            return UpstreamError(ELSEWHERE)
        case ServiceRequestError():
            return UpstreamError(
                "Azure AI Search cannot be reached. The operator should check AZURE_SEARCH_ENDPOINT and the network.",
                retryable=True,
            )
        case _:
            return UpstreamError("Azure AI Search broke off its answer. Please try again.", retryable=True)


def _from_status(status: int, said: str, headers: Mapping[str, str]) -> UpstreamError:
    if "quota has been exceeded" in said.lower():
        return UpstreamError(
            "The Azure AI Search service is full. The operator should delete what is not needed there, or choose a "
            "larger tier."
        )
    wait = retry_after(headers)
    match status:
        case 401 | 403:
            return UpstreamError(
                "Azure AI Search refused the key. The operator should check AZURE_SEARCH_API_KEY, which must be an "
                "admin key, AZURE_SEARCH_ENDPOINT, and the service's network rules."
            )
        case 404:
            # The wording has changed over the years; a proxy's page, or another service, names no index.
            return IndexMissing() if re.match(r"\s*\{.*\bindex\b", said, re.DOTALL) else UpstreamError(ELSEWHERE)
        case 413:
            return TooLarge()
        case 409 | 429:
            return UpstreamError(BUSY, retryable=True, retry_after=wait)
        case 408:
            return UpstreamError("Azure AI Search timed out. Please try again.", retryable=True)
        case _ if status >= 500:
            return UpstreamError(
                "Azure AI Search has a fault of its own. Please try again.", retryable=True, retry_after=wait
            )
        case _:
            return refused()
