"""The seam between documents and where their passages are searched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from ...passages import SearchResult
from ...settings import Settings
from ...storage import Storage

if TYPE_CHECKING:
    from ...upstream.embeddings import Vector
    from .azure.index import AzureSearchIndex


class Index(Protocol):
    """Finds passages: in the data folder, or in Azure AI Search. Its failures are UpstreamError, in words."""

    @property
    def holds_copies(self) -> bool:
        """Whether what was staged can go once it is published."""

    async def publish(self, userid: str, file_id: str, name: str) -> None:
        """Make the staged passages of a file findable; doing it again changes nothing."""

    async def search(
        self, userid: str, query: str, vector: Vector | None, file_ids: Sequence[str] | None, limit: int
    ) -> list[SearchResult]:
        """The owner's passages that answer the query, best first: of these files, or of all with None."""

    async def forget(self, userid: str, file_id: str) -> None:
        """Let nothing of the file be found again."""

    async def close(self) -> None:
        """Let go of connections."""


def open_index(settings: Settings, storage: Storage) -> Index:
    """The index that the settings name. Raises SettingsError where it cannot be used."""
    return open_azure_search(settings, storage) if settings.azure_search_endpoint else storage.open_index()


def open_azure_search(settings: Settings, storage: Storage) -> AzureSearchIndex:
    """The index in Azure AI Search. Raises SettingsError where the name is none or the extra is missing."""
    # Imported late: few need it.
    from .azure.index import AzureSearchIndex

    return AzureSearchIndex(
        settings.azure_search_endpoint,
        settings.azure_search_api_key,
        settings.azure_search_index_name,
        storage.passages,
        settings.upstream_max_wait_seconds,
    )
