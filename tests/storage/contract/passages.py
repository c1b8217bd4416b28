"""Passages put into a store, and looked for in its snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mockbackend.storage import Passages
from mockbackend.storage.passages import POSITION_BITS, Passage, Snapshot, first_id

if TYPE_CHECKING:
    from mockbackend.storage.signs import Vector

DIMENSIONS = 64
EVERYTHING = {"first": 0, "last": first_id(1000), "limit": 100_000}


def direction(number: int) -> Vector:
    """The unit vector of a number; those of two numbers have nothing in common."""
    vector = np.random.default_rng(number).standard_normal(DIMENSIONS, np.float32)
    unit: Vector = vector / np.linalg.norm(vector)
    return unit


async def put(
    passages: Passages, userid: str, file_id: str, *texts: str, vectors: Sequence[Vector] = (), name: str = "notes"
) -> None:
    """Stage and publish a file of these texts."""
    await passages.stage(file_id, userid, [Passage(text) for text in texts])
    await passages.add_vectors(file_id, list(enumerate(vectors)))
    await passages.publish(userid, file_id, name)


async def holding(passages: Passages, userid: str, term: str, *, prefix: bool = False) -> dict[str, int]:
    """The owner's published passages that hold a term, each with how often."""

    def look(snapshot: Snapshot) -> dict[str, int]:
        numbered = snapshot.owner(userid)
        if numbered is None:
            return {}
        owner, _ = numbered
        published = {file.number for file in snapshot.files(owner)}
        ids, counts = snapshot.postings(owner, term, prefix=prefix, **EVERYTHING)
        found = {
            int(id_): int(count) for id_, count in zip(ids, counts, strict=True) if id_ >> POSITION_BITS in published
        }
        assert snapshot.count_postings(owner, term, prefix=prefix, **EVERYTHING) == len(ids)
        passages = snapshot.passages(list(found))
        return {passage.text: found[id_] for id_, passage in zip(found, passages, strict=True) if passage}

    return await passages.read_snapshot(look)


async def with_vectors(passages: Passages, userid: str) -> dict[str, Vector]:
    """The owner's published passages that have vectors, with them."""

    def look(snapshot: Snapshot) -> dict[str, Vector]:
        numbered = snapshot.owner(userid)
        if numbered is None:
            return {}
        ids = [first_id(block.file) + int(at) for block in snapshot.signs(numbered[0]) for at in block.positions]
        ids.sort()
        texts = [passage.text for passage in snapshot.passages(ids) if passage]
        return dict(zip(texts, snapshot.vectors(ids, DIMENSIONS), strict=True)) if ids else {}

    return await passages.read_snapshot(look)
