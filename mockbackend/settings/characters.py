"""What comes along when a value is pasted: blanks, quotation marks, what nobody sees, and a setting's name."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from .fields import Settings

QUOTES = "\"'`\u201c\u201d\u2018\u2019\u00ab\u00bb"
# Of letters, digits and punctuation of ASCII alone, as nothing else is in a key, an address or a name of Azure's.
PLAIN = (
    "azure_openai_endpoint",
    "azure_openai_api_key",
    "azure_openai_api_version",
    "azure_openai_gpt_deployment_name",
    "azure_openai_dalle_deployment_name",
    "azure_openai_embedding_deployment_name",
    "azure_search_endpoint",
    "azure_search_api_key",
    "azure_search_index_name",
    "openai_base_url",
    "openai_api_key",
)
# Its words are the operator's own.
FREE = ("system_prompt",)
# Spaces but the one of ASCII, ends of lines, controls, and what only directs the letters beside it.
UNSEEN = ("Zs", "Zl", "Zp", "Cc", "Cf", "Co", "Cn")
# A line of a .env file, of a shell or of a header. What ends in = may be a key of its own.
LINE = re.compile(r"(?:export\s+|set\s+|\$env:)?([\w-]+)\s*[=:]\s*[^\s=]", re.IGNORECASE)
SETTINGS = frozenset(field.name.upper() for field in dataclasses.fields(Settings))


def odd_characters(settings: Settings) -> Iterator[str]:
    """A line for each setting with a character that cannot be meant. It shows nothing else of the value."""
    for field in dataclasses.fields(Settings):
        value = getattr(settings, field.name)
        texts = value if isinstance(value, tuple) else (str(value),) if isinstance(value, str | Path) else ()
        # Of another program's, which may be set in the same shell, as long as no address says that they are ours.
        is_anothers = field.name.startswith("openai_") and not settings.openai_base_url
        if field.name in FREE or is_anothers:
            continue
        for text in texts:
            if _is_line(text):
                yield f"{field.name.upper()}: is a whole line; paste only what follows the name"
                break
            odd = _odd(text, is_plain=field.name in PLAIN)
            if odd is not None:
                yield f"{field.name.upper()}: contains {_name(odd)}, which no such value has; type it or paste it again"
                break


def _is_line(text: str) -> bool:
    found = LINE.match(text)
    name = found[1].upper().replace("-", "_") if found else ""
    return name in SETTINGS or name.endswith("_KEY")


def _odd(text: str, *, is_plain: bool) -> str | None:
    """The first character that does not belong into the value."""
    for character in text:
        if is_plain and not (character.isascii() and character.isprintable() and character not in " " + QUOTES):
            return character
        if character != " " and unicodedata.category(character) in UNSEEN:
            return character
    return text[0] if len(text) > 1 and text[0] in QUOTES and text[-1] in QUOTES else None


def _name(character: str) -> str:
    if character in QUOTES:
        return f"a quotation mark ({character})"
    if character == " ":
        return "a blank"
    name = unicodedata.name(character, "a control character").lower()
    return f"U+{ord(character):04X} ({name})"
