"""The contract for an index of documents, and the choice between the two that there are.

To add an index: a folder here with a class that keeps the protocol, and a branch in `open_index`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from ...settings import Settings
from ...storage import Storage
from ...upstream.entra import SEARCH_SCOPES, AccessTokens
from .embedded import EmbeddedIndex
from .result import SearchResult

if TYPE_CHECKING:
    from ...storage.signs import Vector
    from .azure.index import AzureSearchIndex

__all__ = ["Index", "SearchResult", "open_azure_search", "open_index"]


class Index(Protocol):
    """What finds passages of an owner's files. Its failures are UpstreamErrors, in words for the user."""

    @property
    def copies(self) -> str:
        """What the index calls its copies of staged passages, after itself and the model of their vectors.

        Empty where it finds the staged ones themselves, so that they have to stay.
        """

    async def publish(self, userid: str, file_id: str, name: str) -> None:
        """Make the staged passages of a file searchable. Repeating it changes nothing."""

    async def search(
        self, userid: str, query: str, vector: Vector | None, file_ids: Sequence[str] | None, limit: int
    ) -> list[SearchResult]:
        """The owner's passages that answer the query, best first: of these files, or with None of all files."""

    async def forget(self, userid: str, file_id: str) -> None:
        """Remove everything about the file from the index."""

    async def close(self) -> None:
        """Close the connections."""


def open_index(settings: Settings, storage: Storage, model: str) -> Index:
    """Open the index that the settings name, for vectors of this model. Raises SettingsError if it cannot be used."""
    if settings.azure_search_endpoint:
        return open_azure_search(settings, storage, model)
    return EmbeddedIndex(storage.passages, model=model, words_lead=settings.engine == "emulator")


def open_azure_search(settings: Settings, storage: Storage, model: str) -> AzureSearchIndex:
    """Open the index in Azure AI Search. Raises SettingsError if its name is invalid or the extra is not installed."""
    # Imported late: few installations need it.
    from .azure.index import AzureSearchIndex

    return AzureSearchIndex(
        settings.azure_search_endpoint,
        AccessTokens("Azure AI Search", SEARCH_SCOPES)
        if settings.azure_openai_auth == "entra"
        else settings.azure_search_api_key,
        settings.azure_search_index_name,
        model,
        storage.passages,
        settings.upstream_max_wait_seconds,
    )
