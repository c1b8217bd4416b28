"""Embeddings out of an answer's JSON.

They are base64 of little-endian float32, as we ask for it, or lists from engines that know nothing else.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Vector = NDArray[numpy.float32]


def vectors(answer: dict[str, Any], count: int) -> list[Vector]:
    """The vectors of `count` texts, in their order; ValueError where the answer has other ones."""
    # Imported late: it is a tenth of the start, and many never embed anything.
    import numpy

    data = answer.get("data")
    if not isinstance(data, list) or len(data) != count:
        raise ValueError("not one embedding for each text")
    found: dict[int, Vector] = {}
    for position, one in enumerate(data):
        embedding = one["embedding"]
        raw = base64.b64decode(embedding, validate=True) if isinstance(embedding, str) else None
        vector = numpy.frombuffer(raw, "<f4") if raw is not None else numpy.asarray(embedding, numpy.float32)
        if vector.ndim != 1 or not vector.size or not numpy.isfinite(vector).all():
            raise ValueError("an embedding that is no vector")
        found[one.get("index", position)] = vector
    if len({vector.size for vector in found.values()}) != 1:
        raise ValueError("embeddings of several sizes")
    return [found[position] for position in range(count)]
