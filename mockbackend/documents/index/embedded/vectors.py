"""The choice of vectors by their signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ....storage.signs import Numbers, Signs

# Rows compared at once: their differences fit into the processor's cache.
BLOCK_ROWS = 8192


def candidates(signs: Signs, query: Signs, subset: Numbers | None, limit: int) -> Numbers:
    """The rows whose signs differ least from the query's, in no order: rows of `subset`, or any row."""
    import numpy as np

    count = len(signs) if subset is None else len(subset)
    differing = np.empty(count, np.uint16)
    for start in range(0, count, BLOCK_ROWS):
        block = signs[start : start + BLOCK_ROWS] if subset is None else signs[subset[start : start + BLOCK_ROWS]]
        np.sum(np.bitwise_count(block ^ query), axis=1, dtype=np.uint16, out=differing[start : start + BLOCK_ROWS])
    best = np.argpartition(differing, limit)[:limit] if count > limit else np.arange(count)
    return best if subset is None else subset[best]
