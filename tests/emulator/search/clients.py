"""The real search client, an index as the documentation makes one, and short ways to ask."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from azure.core.credentials import AzureKeyCredential
from azure.search.documents.aio import SearchClient
from azure.search.documents.indexes.aio import SearchIndexClient
from azure.search.documents.indexes.models import (
    HnswAlgorithmConfiguration,
    SearchableField,
    SearchField,
    SearchIndex,
    SimpleField,
    VectorSearch,
    VectorSearchProfile,
)

from tests.harness.emulator import KEY, Emulator
from tests.harness.processes import ROOT

VERSION = "2026-04-01"
PAGE = (ROOT / "docs" / "emulator.md").read_text(encoding="utf-8")
numbers = itertools.count(1)


def definition(name: str) -> SearchIndex:
    """An index as the documentation's quickstarts make one."""
    return SearchIndex(
        name=name,
        fields=[
            SimpleField(name="id", type="Edm.String", key=True, filterable=True, sortable=True),
            SearchableField(name="content", type="Edm.String", analyzer_name="standard.lucene"),
            SimpleField(name="owner", type="Edm.String", filterable=True),
            SimpleField(name="page", type="Edm.Int32", filterable=True, sortable=True),
            SimpleField(name="draft", type="Edm.Boolean", filterable=True),
            SearchField(
                name="embedding",
                type="Collection(Edm.Single)",
                searchable=True,
                hidden=True,
                vector_search_dimensions=3,
                vector_search_profile_name="vp",
            ),
        ],
        vector_search=VectorSearch(
            algorithms=[HnswAlgorithmConfiguration(name="hnsw")],
            profiles=[VectorSearchProfile(name="vp", algorithm_configuration_name="hnsw")],
        ),
    )


async def make(served: Emulator) -> str:
    """The name of a new index. Not by the client for it, which takes as long as a test."""
    name = f"docs-{next(numbers)}"
    response = await post(served, "/indexes", definition(name).as_dict())
    assert response.status_code == 201, response.text
    return name


@asynccontextmanager
async def managing(served: Emulator, key: str = KEY) -> AsyncIterator[SearchIndexClient]:
    async with SearchIndexClient(served.url, AzureKeyCredential(key)) as client:
        yield client


@asynccontextmanager
async def searching(served: Emulator, index: str, **options: Any) -> AsyncIterator[SearchClient]:
    async with SearchClient(served.url, index, AzureKeyCredential(KEY), **options) as client:
        yield client


def named(docs: SearchClient) -> str:
    return str(docs._config.index_name)


async def found(docs: SearchClient, text: str | None = None, **options: Any) -> list[str]:
    return [row["id"] async for row in await docs.search(text, **options)]


async def fill(docs: SearchClient, **contents: str) -> None:
    await docs.upload_documents([{"id": key, "content": content} for key, content in contents.items()])


async def post(served: Emulator, path: str, body: Any, **headers: str) -> httpx2.Response:
    async with served.http() as http:
        return await http.post(f"{path}?api-version={VERSION}", json=body, headers=headers)
