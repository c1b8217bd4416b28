"""The embedded index: words and vectors, fused by reciprocal rank."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ....mock import context
from ....storage.signs import unit
from ..result import SearchResult
from . import vectors, words
from .owner_index import OwnerCache, OwnerIndex

if TYPE_CHECKING:
    from ....storage.passages import Passages, Snapshot
    from ....storage.signs import Numbers, Rotation, Vector
    from .owner_index import Flags

# Reciprocal rank fusion: the usual constant, and how far down each ranking counts.
K = 60
DEPTH = 100
# The vectors that are compared exactly, chosen by their signs.
CANDIDATES = 300


class EmbeddedIndex:
    """The index of an owner's published files, by words and by vectors."""

    copies = ""

    def __init__(self, passages: Passages, *, model: str = "", words_lead: bool = False) -> None:
        """Only vectors of the embedding model `model` are compared, or all of them.

        With `words_lead`, vectors only add what no word finds: those that know only words do harm otherwise.
        """
        self._passages = passages
        self._words_lead = words_lead
        # Both are used on the thread of `read_snapshot` alone.
        self._cache = OwnerCache(model)
        self._rotations: dict[int, Rotation] = {}

    async def publish(self, userid: str, file_id: str, name: str) -> None:
        """Make the file's staged passages searchable."""
        await self._passages.publish(userid, file_id, name)

    async def search(
        self, userid: str, query: str, vector: Vector | None, file_ids: Sequence[str] | None, limit: int
    ) -> list[SearchResult]:
        """Find the passages that answer the query best.

        Without a vector only words are compared. Passages that have no vector, or one of another dimension, are found
        by their words alone.
        """
        # What is replayed has the vectors of a real engine.
        words_lead = self._words_lead and context.recorded_engine() is None
        return await self._passages.read_snapshot(
            lambda snapshot: self._search(snapshot, userid, query, vector, file_ids, limit, words_lead)
        )

    async def forget(self, userid: str, file_id: str) -> None:
        """Remove the file from the index. Its passages stay staged."""
        await self._passages.withdraw(userid, file_id)

    async def close(self) -> None:
        """Do nothing: the passages are storage's to close."""

    def _search(
        self,
        snapshot: Snapshot,
        userid: str,
        query: str,
        vector: Vector | None,
        file_ids: Sequence[str] | None,
        limit: int,
        words_lead: bool,
    ) -> list[SearchResult]:
        index = self._cache.get(snapshot, userid)
        if index is None:
            return []
        allowed = None if file_ids is None else index.allowed(file_ids)
        rankings = [words.rank(snapshot, index, query, allowed, DEPTH)]
        if vector is not None:
            rankings.append(self._nearest(snapshot, index, vector, allowed))
        scores: dict[int, float] = {}
        for behind, ranking in enumerate(rankings):
            for rank, row in enumerate(ranking.tolist(), start=1):
                if not words_lead:
                    scores[row] = scores.get(row, 0.0) + 1 / (K + rank)
                elif row not in scores:
                    scores[row] = 1 / (K + rank + behind * DEPTH)
        best = sorted(scores, key=lambda row: (-scores[row], row))[:limit]
        passages = snapshot.passages(index.ids(best).tolist())
        return [
            SearchResult(index.file_id(row), passage, scores[row])
            for row, passage in zip(best, passages, strict=True)
            if passage is not None
        ]

    def _nearest(self, snapshot: Snapshot, index: OwnerIndex, vector: Vector, allowed: Flags | None) -> Numbers:
        """The rows with the nearest vectors, best first."""
        import numpy as np

        nothing = np.empty(0, np.int64)
        direction = unit(vector)
        rows, signs = index.signs.get(len(vector), (nothing, None))
        if direction is None or signs is None:
            return nothing
        rotation = self._rotations.get(len(vector)) or snapshot.rotation(len(vector))
        if rotation is None:
            return nothing
        self._rotations[len(vector)] = rotation
        query = rotation.signs(direction[None])[0]
        subset = None if allowed is None else np.flatnonzero(allowed[rows])
        candidates = np.sort(rows[vectors.candidates(signs, query, subset, CANDIDATES)])
        if not len(candidates):
            return nothing
        similarities = snapshot.vectors(index.ids(candidates).tolist(), len(vector)) @ direction
        return candidates[np.argsort(-similarities, kind="stable")[:DEPTH]]
