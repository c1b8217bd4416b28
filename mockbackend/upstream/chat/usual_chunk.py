"""The usual chunk of a stream: all but the first and the last differ in their words alone, a few of their bytes."""

from __future__ import annotations

import re
from typing import Any

import orjson

# Never within a string: there the quotes would have backslashes.
CONTENT = re.compile(rb'"content":\s*("(?:[^"\\]|\\.)*")')
# An engine that puts something of its own into each chunk, like a padding, has no usual one.
TRIES = 3
# Put after a word, it makes another one.
OTHER = "?"


class UsualChunk:
    """What stands before and after the word. The same around another string is a chunk that says that string."""

    def __init__(self) -> None:
        self._before = b""
        self._after = b""
        self._tries = TRIES

    def word(self, data: bytes) -> str | None:
        """The word of a chunk, if it is a usual one."""
        before, after = self._before, self._after
        if not before or not data.startswith(before) or not data.endswith(after):
            return None
        try:
            word = orjson.loads(data[len(before) : -len(after)])
        except orjson.JSONDecodeError:
            return None
        if type(word) is not str:
            return None
        self._tries = TRIES
        return word

    def learn(self, data: bytes, chunk: dict[str, Any]) -> None:
        """Take this for the usual one, if it says a word and nothing else."""
        if not self._tries:
            return
        match chunk:
            case {"choices": [{"delta": {"content": str(word), **others}} as choice]} if not others:
                is_usual = not (chunk.get("usage") or choice.get("finish_reason") or choice.get("error"))
            case _:
                return
        found = list(CONTENT.finditer(data)) if is_usual else []
        if len(found) == 1 and orjson.loads(found[0][1]) == word:
            self._tries -= 1
            before, after = data[: found[0].start(1)], data[found[0].end(1) :]
            # It may be another key's, where the delta's is written with escapes. So it must change the delta's.
            other = orjson.loads(before + orjson.dumps(word + OTHER) + after)
            if other["choices"][0]["delta"]["content"] != word:
                self._before, self._after = before, after
