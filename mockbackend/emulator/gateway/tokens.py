"""A rough, deterministic token count: the real tokenizer would be megabytes of tables that nobody asserts on."""

import re

CHARACTERS_PER_TOKEN = 4
PER_MESSAGE = 3
PER_PICTURE = 85


def count(text: str) -> int:
    """Tokens of a text: one for every four characters begun, none for an empty text."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def split(text: str) -> tuple[str, ...]:
    """The deltas of a text: word by word, each with the space before it. Joined they are the text again."""
    return tuple(re.findall(r"\s*\S+|\s+", text))
