"""Embeddings without a model: each word is hashed to a direction, so texts with words in common are near."""

import asyncio
import base64
import hashlib
import math
import re
import struct

from ..gateway import errors, tokens
from ..gateway.call import Call

ARGUMENTS = frozenset({"input", "model", "dimensions", "encoding_format", "user"})
MAX_INPUTS = 2048
MAX_TOKENS = 8192
SMALL = 1536
LARGE = 3072


def embed(text: str, dimensions: int) -> list[float]:
    """A unit vector: one for each word, casefolded, at a place and with a sign that its hash gives."""
    vector = [0.0] * dimensions
    # A text without words still needs a direction.
    for word in re.findall(r"\w+", text.casefold()) or [""]:
        number = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")
        vector[(number >> 1) % dimensions] += 1.0 if number & 1 else -1.0
    length = math.sqrt(sum(value * value for value in vector))
    # Words whose places meet with opposite signs may leave nothing.
    return [value / length for value in vector] if length else embed("", dimensions)


def input_texts(call: Call) -> list[str]:
    """The inputs as texts. Token numbers stand for words of their own; AzureError 400 for what Azure refuses."""
    for argument in call.body:
        if argument not in ARGUMENTS:
            raise errors.unrecognized(argument)
    given = call.body.get("input")
    if given is None:
        raise errors.missing("input")
    one = isinstance(given, str) or (isinstance(given, list) and bool(given) and isinstance(given[0], int))
    inputs = [given] if one else given
    if not isinstance(inputs, list) or not inputs:
        raise errors.invalid("'$.input' is invalid. Please check the API reference.")
    if len(inputs) > MAX_INPUTS:
        raise errors.bad_value("input", f"{len(inputs)} inputs, but at most {MAX_INPUTS} are allowed")
    return [_text(item) for item in inputs]


async def answer(call: Call, texts: list[str]) -> dict[str, object]:
    """The document of a 200: `{"object": "list", "data", "model", "usage"}`; AzureError 400."""
    used = [tokens.count(text) for text in texts]
    if max(used) > MAX_TOKENS:
        raise errors.invalid(
            f"This model's maximum context length is {MAX_TOKENS} tokens, however you requested {max(used)} tokens "
            f"({max(used)} in your prompt; 0 for the completion). Please reduce your prompt; or completion length."
        )
    dimensions = _dimensions(call)
    encoded = _wants_base64(call)
    data: list[dict[str, object]] = []
    for index, text in enumerate(texts):
        vector = embed(text, dimensions)
        data.append({"object": "embedding", "index": index, "embedding": _encode(vector) if encoded else vector})
        # A service that shares this loop has streams to attend to.
        await asyncio.sleep(0)
    usage = {"prompt_tokens": sum(used), "total_tokens": sum(used)}
    return {"object": "list", "data": data, "model": call.deployment.name, "usage": usage}


def _text(item: object) -> str:
    if isinstance(item, str) and item:
        return item
    if isinstance(item, list) and item and all(isinstance(number, int) for number in item):
        return " ".join(f"t{number}" for number in item)
    raise errors.invalid("'$.input' is invalid. Please check the API reference.")


def _dimensions(call: Call) -> int:
    name = call.deployment.name
    given = call.body.get("dimensions")
    most = LARGE if "large" in name else SMALL
    if given is None:
        return most
    if "ada-002" in name:
        raise errors.invalid("This model does not support specifying dimensions.")
    if type(given) is not int or not 1 <= given <= most:
        raise errors.bad_value("dimensions", f"expected a whole number from 1 to {most}")
    return given


def _wants_base64(call: Call) -> bool:
    encoding = call.body.get("encoding_format", "float")
    if encoding not in ("float", "base64"):
        raise errors.bad_value("encoding_format", "expected 'float' or 'base64'")
    return encoding == "base64"


def _encode(vector: list[float]) -> str:
    """Little-endian float32, as the openai client asks for it unless told otherwise."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
