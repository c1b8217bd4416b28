"""A rough, deterministic token count: the real tokenizer would be megabytes of tables that no test asserts on."""

import re

CHARACTERS_PER_TOKEN = 4
PER_MESSAGE = 3
PER_IMAGE = 85


def count(text: str) -> int:
    """Count tokens: one for every four characters, rounded up."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def split(text: str) -> tuple[str, ...]:
    """Split text into deltas: word by word, each with the space before it. Joined, they give the text again."""
    return tuple(re.findall(r"\s*\S+|\s+", text))
