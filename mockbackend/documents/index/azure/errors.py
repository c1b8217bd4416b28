"""Failures of Azure AI Search: the exceptions of its client become UpstreamError here.

The messages are our own; those of the service go to the log.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping

from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError
from azure.core.rest import AsyncHttpResponse

from ....errors import UpstreamError
from ....upstream.entra import AccessTokens
from ....upstream.retry import retry_after
from .schema import IndexMissing

NO_ROLE = (
    "Azure AI Search does not allow the service's identity this call. The operator should give that identity the roles "
    '"Search Service Contributor" and "Search Index Data Contributor" on the service of AZURE_SEARCH_ENDPOINT, allow '
    "role-based access there, and check its network rules. The log names the identity."
)
BUSY = "Azure AI Search receives too many requests. Please try again in a minute."
NOT_AZURE_SEARCH = (
    "AZURE_SEARCH_ENDPOINT does not answer as Azure AI Search does. The operator should check the address, which must "
    "be that of the search service."
)
log = logging.getLogger("mockbackend.documents")


class TooLarge(UpstreamError):
    """A call larger than the service accepts."""

    def __init__(self) -> None:
        super().__init__(
            "Azure AI Search refused a passage because it is too large. The operator should lower PASSAGE_CHARACTERS."
        )


def busy() -> UpstreamError:
    """The error of a service, or of one of its documents, that asks for a retry."""
    return UpstreamError(BUSY, retryable=True)


def refused() -> UpstreamError:
    """The error of a request that the service does not accept."""
    return UpstreamError(
        "Azure AI Search refused the request. The operator can find the reason in the log.", refused=True
    )


def from_exception(error: AzureError, tokens: AccessTokens | None = None) -> UpstreamError:
    """The UpstreamError for an exception of the client library."""
    match error:
        case HttpResponseError(status_code=401 | 403 as status, response=AsyncHttpResponse() as response) if tokens:
            log.warning("Azure AI Search answered %s to the token of %s", status, tokens.identity)
            # Another token may do, if this one has been revoked.
            carried = response.request.headers.get("Authorization", "").removeprefix("Bearer ")
            return UpstreamError(NO_ROLE, retryable=status == 401 and tokens.refuse(carried))
        case HttpResponseError(status_code=int(status), response=AsyncHttpResponse() as response) if status >= 400:
            said = response.text()
            failure = _from_status(status, said, response.headers)
            # A missing index is created, and a batch that is too large is halved: neither needs a warning.
            if not isinstance(failure, IndexMissing | TooLarge):
                # It may repeat the query.
                log.warning("Azure AI Search answered %s with %d characters", status, len(said))
                log.debug("Azure AI Search said %s", said[:500])
            return failure
        case HttpResponseError():
            return UpstreamError(NOT_AZURE_SEARCH)
        case ServiceRequestError():
            return UpstreamError(
                "Azure AI Search cannot be reached. The operator should check AZURE_SEARCH_ENDPOINT and the network.",
                retryable=True,
            )
        case _:
            return UpstreamError("The connection to Azure AI Search broke. Please try again.", retryable=True)


def _from_status(status: int, said: str, headers: Mapping[str, str]) -> UpstreamError:
    if "quota has been exceeded" in said.lower():
        return UpstreamError(
            "The Azure AI Search service is full. The operator should delete data that is not needed, or choose a "
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
            # The wording has changed over the years. The page of a proxy or of another service names no index.
            return IndexMissing() if re.match(r"\s*\{.*\bindex\b", said, re.DOTALL) else UpstreamError(NOT_AZURE_SEARCH)
        case 413:
            return TooLarge()
        case 409 | 429:
            return UpstreamError(BUSY, retryable=True, retry_after=wait)
        case 408:
            return UpstreamError("Azure AI Search timed out. Please try again.", retryable=True)
        case _ if status >= 500:
            return UpstreamError(
                "Azure AI Search reported an internal error. Please try again.", retryable=True, retry_after=wait
            )
        case _:
            return refused()
