"""An embedding call: Azure's checks, then a vector for each input, or a fault."""

import asyncio
import base64
import struct

from ...mock.script.rules import EmbeddingItem, EmbeddingRule
from ..gateway.call import Call
from ..gateway.error_faults import error_reply
from ..gateway.replay import recorded, replay
from ..gateway.reply import Reply
from .request import EmbeddingRequest, read_embedding
from .vectors import embed


async def handle_embedding(call: Call) -> Reply:
    """The reply to a call that has passed the gateway; AzureError where Azure refuses the request."""
    request = read_embedding(call)
    facts = call.mocked.facts(call.deployment.name, "\n".join(request.texts), call.body)
    serving = call.mocked.serve(EmbeddingRule, facts)
    rule = serving.answer(EmbeddingItem) if serving else EmbeddingItem()
    if raw := recorded(rule.raw, call):
        return replay(raw)
    if rule.fault and (error := error_reply(rule.fault, call)):
        return error
    document = {
        "object": "list",
        "data": await _embeddings(request),
        "model": call.deployment.name,
        "usage": {"prompt_tokens": request.tokens, "total_tokens": request.tokens},
    }
    return Reply.json(document, delay=rule.delay)


async def _embeddings(request: EmbeddingRequest) -> list[dict[str, object]]:
    data: list[dict[str, object]] = []
    for index, text in enumerate(request.texts):
        vector = embed(text, request.dimensions)
        data.append({"object": "embedding", "index": index, "embedding": _encode(vector) if request.base64 else vector})
        # A service that shares this loop has streams to attend to.
        await asyncio.sleep(0)
    return data


def _encode(vector: list[float]) -> str:
    """Little-endian float32, as the openai client asks for by default."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
