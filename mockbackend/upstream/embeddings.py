"""The embeddings API: one request, and the vectors in its response.

They are base64 of little-endian float32, as requested, or lists from engines that support nothing else.
"""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any, NamedTuple

from .client import Upstream
from .errors import invalid_response
from .usage import tokens

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Vector = NDArray[numpy.float32]


class Embeddings(NamedTuple):
    """The vectors of texts, float32 and of one size, in their order, and how many tokens the model has counted."""

    vectors: list[Vector]
    tokens: int


async def embed(upstream: Upstream, texts: list[str]) -> Embeddings:
    """The embeddings of these texts. Raises UpstreamError."""
    body = {"input": texts, "encoding_format": "base64"}
    answer = await upstream.post_json(upstream.engine.embeddings, body, upstream.read_timeout)
    try:
        # In a thread: numpy takes a moment to import, and megabytes of numbers one to decode.
        found = await asyncio.to_thread(vectors, answer, len(texts))
        usage = answer.get("usage") or {}
        counted = tokens(usage.get("prompt_tokens") or usage.get("total_tokens"))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise invalid_response() from None
    return Embeddings(found, counted)


def vectors(answer: dict[str, Any], count: int) -> list[Vector]:
    """The vectors of `count` texts, in their order; raises ValueError if the response has others."""
    # Imported late: it is a tenth of the start, and many installations never embed anything.
    import numpy

    data = answer.get("data")
    if not isinstance(data, list) or len(data) != count:
        raise ValueError("there must be one embedding for each text")
    found: dict[int, Vector] = {}
    for position, entry in enumerate(data):
        embedding = entry["embedding"]
        raw = base64.b64decode(embedding, validate=True) if isinstance(embedding, str) else None
        vector = numpy.frombuffer(raw, "<f4") if raw is not None else numpy.asarray(embedding, numpy.float32)
        if vector.ndim != 1 or not vector.size or not numpy.isfinite(vector).all():
            raise ValueError("an embedding must be a vector of finite numbers")
        found[entry.get("index", position)] = vector
    if len({vector.size for vector in found.values()}) != 1:
        raise ValueError("all embeddings must have one size")
    return [found[position] for position in range(count)]
