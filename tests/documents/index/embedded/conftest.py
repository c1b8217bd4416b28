"""An embedded index of its own for each test, and what is put into it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mockbackend.documents.index.embedded import EmbeddedIndex
from mockbackend.storage.embedded.passages import NAME, Passages, prepare
from mockbackend.storage.passages import Passage

if TYPE_CHECKING:
    from mockbackend.storage.signs import Vector

DIMENSIONS = 64


class Shelf:
    """Passages and the index over them, as one process has them open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.passages = Passages(path)
        self.index = EmbeddedIndex(self.passages)

    async def put(self, userid: str, file_id: str, *texts: str, vectors: Sequence[Vector] = ()) -> None:
        """Stage and publish a file of these texts."""
        pieces = [Passage(text, f"page {page}") for page, text in enumerate(texts, start=1)]
        await self.passages.stage(file_id, userid, pieces)
        await self.passages.add_vectors(file_id, list(enumerate(vectors)))
        await self.index.publish(userid, file_id, f"{file_id}.md")

    async def forget(self, userid: str, file_id: str) -> None:
        await self.index.forget(userid, file_id)
        await self.passages.forget(file_id)

    async def words(self, userid: str, query: str, file_ids: Sequence[str] | None = None) -> list[str]:
        """The texts that the query's words find, best first."""
        return [one.passage.text for one in await self.index.search(userid, query, None, file_ids, 10)]

    async def near(self, userid: str, vector: Vector, file_ids: Sequence[str] | None = None) -> list[str]:
        """The texts that the vector finds, best first."""
        return [one.passage.text for one in await self.index.search(userid, "", vector, file_ids, 10)]

    async def close(self) -> None:
        await self.index.close()
        await self.passages.close()


def direction(number: int, dimensions: int = DIMENSIONS) -> Vector:
    """The unit vector of a number; those of two numbers have nothing in common."""
    vector = np.random.default_rng(number).standard_normal(dimensions, np.float32)
    unit: Vector = vector / np.linalg.norm(vector)
    return unit


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    path = tmp_path / NAME
    prepare(path)
    opened = Shelf(path)
    yield opened
    await opened.close()


@pytest.fixture
async def other(shelf: Shelf) -> AsyncIterator[Shelf]:
    """The same database, opened a second time as by another process."""
    opened = Shelf(shelf.path)
    yield opened
    await opened.close()
