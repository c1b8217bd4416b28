"""The embeddings API: one request, and the vectors in its response.

They are base64 of little-endian float32, as requested, or lists from engines that support nothing else.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import ContextExceeded, UpstreamError
from .client import Upstream
from .errors import invalid_response
from .usage import tokens

# A model that reads less of a text knows nothing of it.
FEWEST_CHARACTERS = 100
READS_TOO_LITTLE = "The embedding model can read too little of a text. The operator should check {}."
log = logging.getLogger("mockbackend.upstream")

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Vector = NDArray[numpy.float32]


class Embeddings(NamedTuple):
    """The vectors of texts, float32 and of one size, in their order, and how many tokens the model has counted."""

    vectors: list[Vector]
    tokens: int


async def embed(upstream: Upstream, texts: list[str]) -> Embeddings:
    """The embeddings of these texts, of as much of each as the model can read. Raises UpstreamError."""
    answer = await _answered(upstream, texts)
    try:
        # In a thread: numpy takes a moment to import, and megabytes of numbers one to decode.
        found = await asyncio.to_thread(vectors, answer, len(texts))
        usage = answer.get("usage") or {}
        counted = tokens(usage.get("prompt_tokens") or usage.get("total_tokens"))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise invalid_response() from None
    return Embeddings(found, counted)


async def _answered(upstream: Upstream, texts: list[str]) -> dict[str, Any]:
    model = upstream.engine.embeddings
    learned = upstream.learned(model)
    while True:
        inputs = [text[: learned.input_characters] for text in texts]
        try:
            return await upstream.post_json(
                model, {"input": inputs, "encoding_format": "base64"}, upstream.read_timeout
            )
        except ContextExceeded:
            shorter = max(map(len, inputs)) * 2 // 3
            if shorter < FEWEST_CHARACTERS:
                raise UpstreamError(READS_TOO_LITTLE.format(model.setting)) from None
            # Of several calls at once, each was refused for what it had sent.
            learned.input_characters = min(shorter, learned.input_characters or shorter)
            log.warning("%s reads %d characters of a text, and is sent no more", model.name, learned.input_characters)


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
