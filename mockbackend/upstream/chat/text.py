"""The texts in a delta, in each shape that engines give them, with the halves of characters that were cut."""

from __future__ import annotations

from typing import Any

# What the parts of a list hold, by their type: words for the user, or thinking. All others are neither.
WORDS = {"text": "text", "output_text": "text", "refusal": "refusal"}
THINKING = {"thinking": "thinking", "reasoning": "reasoning", "reasoning_text": "text", "summary_text": "text"}


def texts_of(content: Any) -> tuple[str, str]:
    """The thinking and the words of a delta's content, a text or a list. Raises TypeError or AttributeError."""
    if isinstance(content, str):
        return "", content
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        raise TypeError("the text must be a string or a list")
    thinking, words = "", ""
    for part in content:
        if part is None:
            continue
        kind = part.get("type") or "text"
        if kind in WORDS:
            words += plain(part.get(WORDS[kind]))
        elif kind in THINKING:
            thinking += plain(part.get(THINKING[kind]) or part.get("text"))
    return thinking, words


def plain(value: Any) -> str:
    """The text of a value: itself, or those of its parts. Raises TypeError if it has none."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(plain(part) for part in value)
    if isinstance(value, dict):
        return next((plain(value[key]) for key in ("text", "content", "summary", "thinking") if value.get(key)), "")
    raise TypeError("the text must be a string")


def join_details(details: list[Any], more: list[Any]) -> None:
    """Add to a list of reasoning (OpenRouter's), in which pieces of one entry follow each other."""
    for piece in more:
        last = details[-1] if details else None
        if not (isinstance(piece, dict) and isinstance(last, dict)) or any(
            piece.get(key) != last.get(key) for key in ("type", "index", "id")
        ):
            details.append(piece)
            continue
        for key, value in piece.items():
            joins = key in ("text", "summary", "data") and isinstance(last.get(key), str) and isinstance(value, str)
            if value is not None:
                last[key] = last[key] + value if joins else value


class Halves:
    """A text that comes in pieces, between two of which a character may be cut in half."""

    def __init__(self) -> None:
        self._held = ""

    def whole(self, piece: str) -> str:
        """The piece with whole characters only; a first half at its end is held back."""
        if piece.isascii() and not self._held:
            return piece
        text = self._held + piece
        self._held = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._held = text[:-1], text[-1]
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def end(self) -> str:
        """What stands for a half whose other half never came."""
        held, self._held = self._held, ""
        return "\ufffd" if held else ""
