"""What must not stand in a recording: keys, logins, tokens, signed URLs, the account's address, ids of requests."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

HIDDEN = "***"
# Each has what stays in its first group.
PATTERNS = (
    # A login in a URL, and what is secret in its query.
    r"(://)[^/\s\"'@\\]+(?=@)",
    r"([?&](?:[\w-]*(?:sig|signature|token|key|secret|password|credential|code)|se|sp|sv|sr|st|ske|skoid|sktid|skt|sks|skv)"
    r"=)[^&\s\"'<>\\]+",
    # A field or a header.
    r"(\b(?:api[-_]?key|subscription-key|(?:access|refresh|id)[-_]token|client[-_]secret|password)\\?[\"']?\s*[:=]\s*"
    r"\\?[\"']?)[^\s\"'\\,;&*]{6,}",
    r"(\bcookie\\?[\"']?\s*[:=]\s*\\?[\"']?)(?=[\w-]+=)[^\"'\r\n\\]+",
    r"(\b(?:Bearer|Basic)\s+)[\w.~+/=-]{16,}",
    # A JSON web token; a key of OpenAI's kind.
    r"()\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*",
    r"()\bsk-[\w-]{16,}",
    r"(\b(?:request|correlation|trace)[ _-]?id\b\\?[\"']?\s*[:=]?\s*\\?[\"']?)(?=[\w-]*\d)[\w-]{8,}",
)
IN_TEXT = re.compile("|".join(f"(?:{pattern})" for pattern in PATTERNS), re.IGNORECASE)
IN_BYTES = re.compile(IN_TEXT.pattern.encode(), re.IGNORECASE)
# What is shorter is no secret, and would be found everywhere.
LEAST_CHARACTERS = 6


class Secrets:
    """What is hidden: what looks like a secret, and the values that are known to be."""

    def __init__(self, values: Iterable[str]) -> None:
        known = sorted({value for value in values if len(value) >= LEAST_CHARACTERS}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None
        self._known_bytes = re.compile(self._known.pattern.encode()) if self._known else None

    def hide(self, text: str) -> str:
        """A text without them."""
        if self._known:
            text = self._known.sub(HIDDEN, text)
        return IN_TEXT.sub(lambda match: (match[match.lastindex or 1] or "") + HIDDEN, text)

    def hide_bytes(self, content: bytes) -> bytes:
        """The same of bytes."""
        if self._known_bytes:
            content = self._known_bytes.sub(HIDDEN.encode(), content)
        return IN_BYTES.sub(lambda match: (match[match.lastindex or 1] or b"") + HIDDEN.encode(), content)

    def hide_all(self, value: object) -> object:
        """The same of all texts in a value."""
        match value:
            case str():
                return self.hide(value)
            case dict():
                return {key: self.hide_all(one) for key, one in value.items()}
            case list():
                return [self.hide_all(one) for one in value]
        return value

    def remain_in(self, events: Iterable[object]) -> bool:
        """Whether any stand in the texts of a stream's events: in several, which none of them shows, or escaped."""
        joined: defaultdict[tuple[object, ...], list[str]] = defaultdict(list)
        for event in events:
            for place, text in _texts(event, (event.get("type"),) if isinstance(event, dict) else ()):
                joined[place].append(text)
        return any(self.hide(text) != text for text in map("".join, joined.values()))


def _texts(value: object, place: tuple[object, ...]) -> Iterator[tuple[tuple[object, ...], str]]:
    """The texts in a value, each with its place. What several events say in one place belongs together."""
    match value:
        case str():
            yield place, value
        case dict():
            # Of tool calls that come side by side.
            inner = (*place, value.get("index"), value.get("output_index"))
            for key, one in value.items():
                yield from _texts(one, (*inner, key))
        case list():
            for number, one in enumerate(value):
                yield from _texts(one, (*place, number))
