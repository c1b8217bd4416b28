"""A refusal of which nobody knows the reason, in the log: in the engine's words, unless they repeat somebody's."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from ..errors import RequestRefused, UpstreamError
from .chat.alternation import Wire
from .chat.splicing import Spliced, expanded

# As many characters that are the same are a quotation.
QUOTED = 10
MAX_CHARACTERS = 300
log = logging.getLogger("mockbackend.upstream")


def log_refusal(error: UpstreamError, messages: Iterable[Wire | Spliced]) -> None:
    """Log what the engine said, for the operator. What people, models and tools said stays out of the log."""
    said = error.said[:MAX_CHARACTERS] if isinstance(error, RequestRefused) else ""
    if said and not any(_repeats(said.casefold(), text.casefold()) for text in _texts(expanded(messages))):
        log.warning("the model API refused every form of the request: %s", said)


def _repeats(said: str, text: str) -> bool:
    text = text.strip()
    if len(text) < QUOTED:
        return bool(text) and text in said
    return any(said[start : start + QUOTED] in text for start in range(max(1, len(said) - QUOTED + 1)))


def _texts(value: Any) -> Iterator[str]:
    """All texts in a value, but not its keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            if name not in ("role", "type"):
                yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
