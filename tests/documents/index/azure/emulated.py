"""An index in the emulator of Azure AI Search, and what is put into it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import numpy
import orjson
import pytest

from mockbackend.documents.index import SearchResult
from mockbackend.documents.index.azure.index import AzureSearchIndex
from mockbackend.emulator.embeddings.vectors import embed
from mockbackend.errors import UpstreamError
from mockbackend.storage.embedded.passages import Passages, prepare
from mockbackend.storage.passages import Passage
from tests.harness.emulator import KEY, Emulator, emulating

DIMENSIONS, MODEL = 64, "small"
numbers = itertools.count(1)


def vector(text: str, dimensions: int = DIMENSIONS) -> Any:
    """The vector of a text: near those of texts with words in common."""
    return numpy.array(embed(text, dimensions), dtype=numpy.float32)


@dataclass
class EmulatedIndex:
    """An emulated search service, staged passages, and one index of the service."""

    served: Emulator
    passages: Passages
    index: AzureSearchIndex
    name: str
    opened: list[AzureSearchIndex] = field(default_factory=list)

    def open(self, **changes: Any) -> AzureSearchIndex:
        """The index, opened a second time as by another process."""
        options: dict[str, Any] = {
            "endpoint": self.served.url,
            "key": KEY,
            "name": self.name,
            "model": MODEL,
            "wait_seconds": 5.0,
        } | changes
        self.opened.append(AzureSearchIndex(passages=self.passages, **options))
        return self.opened[-1]

    async def stage(
        self, userid: str, file_id: str, texts: list[str], dimensions: int | None = DIMENSIONS, heading: str = ""
    ) -> None:
        passages = [Passage(text, f"page {page}", heading) for page, text in enumerate(texts, start=1)]
        await self.passages.stage(file_id, userid, passages)
        if dimensions:
            vectors = [(position, vector(text, dimensions)) for position, text in enumerate(texts)]
            await self.passages.add_vectors(file_id, vectors)

    async def publish(self, userid: str, file_id: str, *texts: str, name: str = "notes.txt", **options: Any) -> None:
        await self.stage(userid, file_id, list(texts), **options)
        await self.index.publish(userid, file_id, name)

    async def found(
        self, userid: str, query: str, files: list[str] | None = None, *, by_vector: bool = True, limit: int = 8
    ) -> list[SearchResult]:
        return await self.index.search(userid, query, vector(query) if by_vector else None, files, limit)

    async def texts(self, userid: str, query: str, files: list[str] | None = None, **options: Any) -> list[str]:
        return [one.passage.text for one in await self.found(userid, query, files, **options)]

    async def manage(self, method: str, path: str = "", body: Any = None) -> httpx2.Response:
        """Make an administrator's call."""
        async with self.served.http() as http:
            url = f"/indexes('{self.name}'){path}?api-version=2026-04-01"
            return await http.request(method, url, content=orjson.dumps(body) if body else None)

    async def count(self) -> int:
        return int((await self.manage("GET", "/docs/$count")).content)

    async def batches(self) -> list[tuple[int, int]]:
        """The status and the number of documents of each batch sent to this index."""
        path = f"/indexes('{self.name}')/docs/search.index"
        requests = (await self.served.journal())["requests"]
        return [(one["status"], len(one["body"]["value"])) for one in requests if one["path"] == path]


@asynccontextmanager
async def emulated_index(served: Emulator, folder: Path) -> AsyncIterator[EmulatedIndex]:
    path = folder / "documents.db"
    prepare(path)
    passages = Passages(path)
    name = f"docs-{next(numbers)}"
    index = AzureSearchIndex(served.url, KEY, name, MODEL, passages, wait_seconds=5.0)
    emulated = EmulatedIndex(served, passages, index, name)
    try:
        yield emulated
    finally:
        await emulated.manage("DELETE")
        for one in (index, *emulated.opened):
            await one.close()
        await passages.close()


@asynccontextmanager
async def scripted(folder: Path, *rules: str, api_key: str | None = None) -> AsyncIterator[EmulatedIndex]:
    """An index whose search service follows these rules."""
    with emulating(folder, f"rules: [{', '.join(rules)}]", api_key) as served:
        async with emulated_index(served, folder) as emulated:
            yield emulated


@asynccontextmanager
async def failing() -> AsyncIterator[list[str]]:
    """The message of the UpstreamError that has to be raised in the block."""
    words: list[str] = []
    with pytest.raises(UpstreamError) as caught:
        yield words
    words.append(caught.value.message)
