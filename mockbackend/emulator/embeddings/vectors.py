"""Vectors without a model: each word is hashed to a direction, so texts that share words are near each other."""

import hashlib
import math
import re


def embed(text: str, dimensions: int) -> list[float]:
    """A unit vector: each word, case-folded, adds one at a place and with a sign that its hash gives."""
    vector = [0.0] * dimensions
    # A text without words still needs a direction.
    for word in re.findall(r"\w+", text.casefold()) or [""]:
        number = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")
        vector[(number >> 1) % dimensions] += 1.0 if number & 1 else -1.0
    length = math.sqrt(sum(value * value for value in vector))
    # Words at one place with opposite signs may cancel out.
    return [value / length for value in vector] if length else embed("", dimensions)
