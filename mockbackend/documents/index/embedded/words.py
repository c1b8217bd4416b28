"""Ranking by words: BM25 over the owner's own passages."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ....storage.terms import query_terms

if TYPE_CHECKING:
    from ....storage.passages import Snapshot
    from ....storage.signs import Numbers
    from .owner_index import Flags, OwnerIndex

# The terms used of one query, and the postings read for them: rarest terms first, since they say most.
MAX_TERMS = 64
MAX_POSTINGS = 30_000
# BM25's usual constants.
K1, B = 1.2, 0.75


def rank(snapshot: Snapshot, index: OwnerIndex, query: str, allowed: Flags | None, limit: int) -> Numbers:
    """The rows that the query's words find, best first."""
    import numpy as np

    first, last = index.span(allowed)
    scores = np.zeros(len(index.lengths), np.float32)
    count = len(scores) if allowed is None else int(allowed.sum())
    for term, prefix, postings in _rarest(snapshot, index.owner, query, first, last):
        ids, counts = snapshot.postings(index.owner, term, prefix=prefix, first=first, last=last, limit=postings)
        row, frequency = index.rows(ids), counts.astype(np.float32)
        kept = row >= 0 if allowed is None else (row >= 0) & allowed[row]
        row, frequency = row[kept], frequency[kept]
        if prefix:
            # Several terms of a passage may begin with this one.
            row, which = np.unique(row, return_inverse=True)
            frequency = np.bincount(which, frequency).astype(np.float32)
        rarity = math.log(1 + (count - len(row) + 0.5) / (len(row) + 0.5))
        scores[row] += rarity * frequency * (K1 + 1) / (frequency + K1 * (1 - B + B * index.lengths[row]))
    found = np.flatnonzero(scores)
    return found[np.argsort(-scores[found], kind="stable")[:limit]]


def _rarest(snapshot: Snapshot, owner: int, query: str, first: int, last: int) -> list[tuple[str, bool, int]]:
    """The query's terms whose postings can all be read, rarest first: (term, whether a prefix, postings)."""
    counted = []
    for term, prefix in list(dict.fromkeys(query_terms(query)))[:MAX_TERMS]:
        postings = snapshot.count_postings(owner, term, prefix=prefix, first=first, last=last, limit=MAX_POSTINGS)
        counted.append((postings, term, prefix))
    rarest, left = [], MAX_POSTINGS
    for postings, term, prefix in sorted(counted):
        if postings > left:
            break
        rarest.append((term, prefix, postings))
        left -= postings
    return rarest
