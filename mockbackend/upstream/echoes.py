"""What an error repeats of the request: the words of people, models and tools, which say nothing of the engine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

# The scripts that put no space between words: Thai, Lao, Burmese and Khmer; Chinese, Japanese and Korean.
UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
# Of those each character counts as a word.
WORD = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+")
# As many words in a row that are the same are no accident. A shorter text counts where all of it is repeated.
RUN = 4
# The newest words are the likeliest to be repeated, and there may be megabytes.
MAX_CHARACTERS = 200_000
CUT = "…"
# No engine says anything so deep inside its error, and each level takes a frame.
MAX_DEPTH = 50


def without_echoes(body: Any, request: Mapping[str, Any]) -> Any:
    """An error's body without what its texts repeat of the request's messages, prompt or input."""
    asked = [_words(text) for text in _newest(request)]
    return _cut_all(body, [words for words in asked if len(words) > 1])


def _cut_all(body: Any, asked: list[list[str]], depth: int = 0) -> Any:
    if isinstance(body, str):
        return _cut(body, asked)
    if not isinstance(body, (list, dict)):
        return body
    if depth == MAX_DEPTH:
        return CUT
    if isinstance(body, list):
        return [_cut_all(item, asked, depth + 1) for item in body]
    return {name: _cut_all(item, asked, depth + 1) for name, item in body.items()}


def _cut(said: str, asked: list[list[str]]) -> str:
    found = list(WORD.finditer(said))
    words = [match.group().casefold() for match in found]
    repeated = bytearray(len(words))
    for size in range(2, RUN + 1):
        runs: dict[tuple[str, ...], list[int]] = {}
        for start in range(len(words) - size + 1):
            runs.setdefault(tuple(words[start : start + size]), []).append(start)
        if not runs:
            break
        for text in asked:
            if len(text) == size or (size == RUN and len(text) > RUN):
                for run in runs.keys() & set(zip(*(text[at:] for at in range(size)), strict=False)):
                    for start in runs[run]:
                        repeated[start : start + size] = b"\1" * size
    pieces, at, number = [], 0, 0
    while (number := repeated.find(1, number)) >= 0:
        end = repeated.find(0, number)
        end = len(repeated) if end < 0 else end
        pieces += [said[at : found[number].start()], CUT]
        at, number = found[end - 1].end(), end
    return "".join(pieces) + said[at:]


def _words(text: str) -> list[str]:
    return [word.casefold() for word in WORD.findall(text)]


def _newest(request: Mapping[str, Any]) -> Iterator[str]:
    """The texts of a request, the newest first, as far as they are compared."""
    left = MAX_CHARACTERS
    for text in _texts([request.get(name) for name in ("messages", "prompt", "input")]):
        if left <= 0:
            return
        # An image says nothing.
        if not text.startswith("data:"):
            yield text[:left]
            left -= len(text)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in reversed(value):
            yield from _texts(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name not in ("role", "type"):
                yield from _texts(item)
