"""What an engine says when it refuses or fails, whatever shape its error has.

It is an object of `code`, `type`, `param` and `message`, bare or in `error`, in a list (Gemini), a text (Ollama), a
list of `detail` (pydantic, so Mistral and vLLM), or JSON within a text (what a gateway passes on).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import orjson

MAX_CHARACTERS = 4_000
MAX_DEPTH = 6
# What repeats the request, and not what is wrong with it.
ECHOES = {"input", "ctx", "url", "request", "failed_generation", "user_id"}
CODED = ("code", "type", "param")
STATUS = re.compile(r"[45]\d\d")


@dataclass(slots=True)
class ErrorBody:
    """An error object, read. `paths` are the places in the request that it names, as pydantic does."""

    code: str = ""
    type: str = ""
    param: str = ""
    message: str = ""
    paths: list[tuple[str, ...]] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)

    @property
    def status(self) -> int | None:
        """The status that it names, where a response with status 200 holds an error."""
        return int(self.code) if STATUS.fullmatch(self.code) else None


def read_error(body: object) -> ErrorBody:
    """Read an error's body; of what it says, at most the first thousands of characters."""
    found = ErrorBody()
    texts: list[str] = []
    _read(body, found, texts, 0)
    found.message = "\n".join(texts)[:MAX_CHARACTERS]
    return found


def _read(body: object, found: ErrorBody, texts: list[str], depth: int) -> None:
    if depth > MAX_DEPTH:
        return
    if isinstance(body, list):
        for item in body[:20]:
            _read(item, found, texts, depth + 1)
    elif isinstance(body, str):
        inner = _json_within(body)
        texts.append(body[:MAX_CHARACTERS]) if inner is None else _read(inner, found, texts, depth + 1)
    elif isinstance(body, dict):
        for name in CODED:
            value = body.get(name)
            if isinstance(value, str | int) and not isinstance(value, bool) and not getattr(found, name):
                setattr(found, name, str(value))
        if isinstance(loc := body.get("loc"), list | tuple):
            found.paths.append(tuple(str(step) for step in loc))
        for key, value in body.items():
            if key in (*CODED, "loc", "object", "status", "http_code", "status_code") or key in ECHOES:
                continue
            if isinstance(value, int) and not isinstance(value, bool):
                found.numbers.setdefault(key, value)
            elif isinstance(value, str | list | dict):
                _read(value, found, texts, depth + 1)


def _json_within(text: str) -> Any:
    """The JSON object that a text holds, and nothing else; None if it is a text."""
    if not text.startswith(("{", "[")):
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
