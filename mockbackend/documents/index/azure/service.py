"""One index of an Azure AI Search service: the calls to it, with retries.

Batches of documents go through the client's `send_request`: its own method builds a model for each document, walks
every number of every vector, and loses half of a batch that was too large (TypeError in 12.0.0). Retries are our own,
because the client does not repeat a POST after a 429 without `retry-after`.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import AzureError
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import AsyncHTTPPolicy
from azure.core.rest import HttpRequest
from azure.search.documents.aio import SearchClient
from azure.search.documents.indexes.aio import SearchIndexClient
from azure.search.documents.indexes.models import (
    CustomAnalyzer,
    HnswAlgorithmConfiguration,
    HnswParameters,
    SearchableField,
    SearchField,
    SearchIndex,
    SimpleField,
    VectorSearch,
    VectorSearchProfile,
)
from azure.search.documents.models import VectorizedQuery

from ....errors import UpstreamError
from ....upstream.retry import RetryBudget, retry
from . import errors
from .schema import Action

if TYPE_CHECKING:
    from ....upstream.embeddings import Vector
    from ....upstream.entra import AccessTokens

T = TypeVar("T")

API_VERSION = "2026-04-01"
TRIES = 8
CONNECT_SECONDS, READ_SECONDS = 5, 60
# The statuses of a document that should be sent again. Any other failure is permanent.
TEMPORARY = {409, 422, 429, 503}
# How many results a vector query contributes.
NEAREST = 50
SEARCHED = ["content", "heading", "name"]
SHOWN = ["owner", "file_id", "content", "heading", "place"]


@dataclass(frozen=True, slots=True)
class Shape:
    """What the index can hold: the fields for vectors, and how many numbers those have."""

    vectors: Mapping[str, int]


class SearchService:
    """The calls. All raise UpstreamError: IndexMissing if the index does not exist."""

    def __init__(self, endpoint: str, key: str | AccessTokens, name: str, wait_seconds: float) -> None:
        self.name = name
        self._wait_seconds = wait_seconds
        self._tokens = None if isinstance(key, str) else key
        # The clients want a key in any case, and send it to nobody where our own policy authenticates.
        credential = AzureKeyCredential(key if isinstance(key, str) else "none")
        options: dict[str, Any] = {
            "api_version": API_VERSION,
            "retry_total": 0,
            "connection_timeout": CONNECT_SECONDS,
            "read_timeout": READ_SECONDS,
        }
        if self._tokens:
            # The client's own policy takes tokens by https alone, and gets them on the path of a turn.
            options["authentication_policy"] = TokenPolicy(self._tokens)
        self._indexes = SearchIndexClient(endpoint.rstrip("/"), credential, **options)
        self._documents = SearchClient(endpoint.rstrip("/"), name, credential, **options)

    async def close(self) -> None:
        """Close the connections."""
        await self._indexes.close()
        await self._documents.close()
        if self._tokens:
            await self._tokens.close()

    async def shape(self) -> Shape:
        """Read the index's shape. Raises UpstreamError if it was not made for documents."""
        index = await self._retry(lambda: self._indexes.get_index(self.name))
        fields = {field.name: field for field in index.fields or []}
        if not {"id", "position", *SHOWN} <= fields.keys():
            raise UpstreamError(
                "The search index was not created for documents. The operator should set AZURE_SEARCH_INDEX_NAME to a "
                "name that is not in use."
            )
        sizes = {name: field.vector_search_dimensions for name, field in fields.items()}
        return Shape({name: size for name, size in sizes.items() if size})

    async def create(self, field: str | None, dimensions: int | None) -> None:
        """Create the index, with a field for vectors of this size, or without one."""
        made = _definition(self.name)
        if field and dimensions:
            _add_vectors(made, field, dimensions)
        await self._retry(lambda: self._indexes.create_or_update_index(made))

    async def add_field(self, field: str, dimensions: int) -> None:
        """Add a field for vectors of this size. The documents that are there have none in it."""

        async def call() -> None:
            # Read each time: a field that another process has added meanwhile must be in it.
            found = await self._indexes.get_index(self.name)
            if field not in {one.name for one in found.fields or []}:
                _add_vectors(found, field, dimensions)
                await self._indexes.create_or_update_index(found)

        try:
            await self._retry(call)
        except UpstreamError as error:
            if not error.refused:
                raise
            await self._retry(call)

    async def change(self, batch: Sequence[Action]) -> None:
        """Apply a whole batch. A document that fails temporarily is sent again."""
        budget = RetryBudget(TRIES, self._wait_seconds)
        while True:
            batch = await self._send(batch)
            if not batch:
                return
            await asyncio.sleep(budget.wait(errors.busy()))

    async def search(
        self, text: str, vector: Vector | None, field: str, filter_: str, limit: int
    ) -> list[dict[str, Any]]:
        """The best rows that pass the filter, by words, and by vector in that field if there is one."""
        queries = None
        if vector is not None:
            nearest = max(limit, NEAREST)
            queries = [VectorizedQuery(vector=vector.tolist(), k_nearest_neighbors=nearest, fields=field)]
        return await self._rows(
            search_text=text or None,
            vector_queries=queries,
            filter=filter_,
            search_fields=SEARCHED,
            select=SHOWN,
            query_type="simple",
            search_mode="any",
            top=limit,
        )

    async def listed(self, filter_: str, limit: int) -> list[dict[str, Any]]:
        """Keys and positions of the rows that pass the filter, by position."""
        return await self._rows(
            search_text="*", filter=filter_, select=["id", "position"], order_by=["position"], top=limit
        )

    async def count(self, filter_: str | None = None) -> int:
        """How many documents pass the filter, or with None how many there are."""

        async def call() -> int:
            found = await self._documents.search("*", filter=filter_, top=0, include_total_count=True)
            return await found.get_count()

        return await self._retry(call)

    async def _rows(self, **query: Any) -> list[dict[str, Any]]:
        async def call() -> list[dict[str, Any]]:
            found = await self._documents.search(**query)
            return [row async for row in found]

        return await self._retry(call)

    async def _send(self, batch: Sequence[Action]) -> list[Action]:
        """Send a batch, in halves if it is too large. Returns the actions to be sent again."""
        body = b'{"value":[' + b",".join(action.body for action in batch) + b"]}"
        try:
            results = await self._retry(lambda: self._post(body))
        except errors.TooLarge:
            if len(batch) == 1:
                raise
            half = len(batch) // 2
            return [*await self._send(batch[:half]), *await self._send(batch[half:])]
        failed = {one["key"]: one for one in results if not one["status"]}
        for one in failed.values():
            if one["statusCode"] not in TEMPORARY:
                errors.log.error("a passage was refused with status %s", one["statusCode"])
                errors.log.debug("Azure AI Search said %s", one["errorMessage"])
                raise errors.refused()
        return [action for action in batch if action.key in failed]

    async def _post(self, body: bytes) -> list[dict[str, Any]]:
        """Make one `search.index` call. Returns a status for each document."""
        request = HttpRequest(
            "POST",
            f"{{endpoint}}/indexes('{self.name}')/docs/search.index",
            params={"api-version": API_VERSION},
            headers={"content-type": "application/json", "accept": "application/json;odata.metadata=none"},
            # Megabytes in one piece would be written in one go, while nobody else gets an answer.
            content=io.BytesIO(body),
        )
        response = await self._documents.send_request(request)
        response.raise_for_status()
        try:
            results: list[dict[str, Any]] = orjson.loads(await response.read())["value"]
        except (KeyError, TypeError):
            raise UpstreamError(errors.NOT_AZURE_SEARCH) from None
        return results

    async def _retry(self, call: Callable[[], Awaitable[T]]) -> T:
        return await retry(lambda: _converted(call, self._tokens), RetryBudget(TRIES, self._wait_seconds))


class TokenPolicy(AsyncHTTPPolicy[Any, Any]):
    """The step of a request that adds the token."""

    def __init__(self, tokens: AccessTokens) -> None:
        super().__init__()
        self._tokens = tokens

    async def send(self, request: PipelineRequest[Any]) -> Any:
        """Send the request with a token that is good now."""
        request.http_request.headers["Authorization"] = f"Bearer {await self._tokens.get()}"
        return await self.next.send(request)


async def _converted(call: Callable[[], Awaitable[T]], tokens: AccessTokens | None) -> T:
    """The call's result; what the client raises becomes an UpstreamError."""
    try:
        return await call()
    except AzureError as error:
        raise errors.from_exception(error, tokens) from error
    except json.JSONDecodeError:
        raise UpstreamError(errors.NOT_AZURE_SEARCH) from None


def _definition(name: str) -> SearchIndex:
    """The index. Its analyser knows no languages: it folds case and accents, and cuts CJK text into bigrams."""
    words = CustomAnalyzer(
        name="passages",
        tokenizer_name="standard_v2",
        token_filters=["cjk_width", "lowercase", "asciifolding", "cjk_bigram"],
    )
    fields = [
        SimpleField(name="id", type="Edm.String", key=True, filterable=True),
        SimpleField(name="owner", type="Edm.String", filterable=True),
        SimpleField(name="file_id", type="Edm.String", filterable=True),
        SimpleField(name="position", type="Edm.Int32", filterable=True, sortable=True),
        SimpleField(name="place", type="Edm.String"),
        *(SearchableField(name=field, type="Edm.String", analyzer_name="passages") for field in SEARCHED),
    ]
    return SearchIndex(name=name, fields=fields, analyzers=[words])


def _add_vectors(index: SearchIndex, field: str, dimensions: int) -> None:
    """Give the index a field for vectors, and what it needs for the first one."""
    # Nobody reads the vectors back. Not stored beside the graph, they take half of the space.
    embedding = SearchField(
        name=field,
        type="Collection(Edm.Single)",
        searchable=True,
        hidden=True,
        stored=False,
        vector_search_dimensions=dimensions,
        vector_search_profile_name="nearest",
    )
    index.fields = [*(index.fields or []), embedding]
    if not index.vector_search or not index.vector_search.profiles:
        index.vector_search = VectorSearch(
            algorithms=[HnswAlgorithmConfiguration(name="hnsw", parameters=HnswParameters(metric="cosine"))],
            profiles=[VectorSearchProfile(name="nearest", algorithm_configuration_name="hnsw")],
        )
