"""What stored messages say, and how long they are."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any, TypeGuard

from .kinds import Message, Part, ToolPart

# How a message begins that asks the mock for something.
COMMAND = "/mock"
UNTITLED = "New conversation"
# What is done with more messages than these, or with more text, is long work: on a thread, one piece at a time for each
# user.
MANY_MESSAGES = 1_000
MANY_CHARACTERS = 1_000_000
TITLE_CHARACTERS = 60


def error_text(result: Any) -> str:
    """The words of a failed tool call's result."""
    if isinstance(result, dict) and isinstance(result.get("error"), str):
        return str(result["error"])
    return str(result)


def now_ms() -> int:
    """Now, in integer milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def is_much(count: int, sizes: Iterable[int]) -> bool:
    """Whether what is done with that many messages, or with texts of these sizes, is long work."""
    return count > MANY_MESSAGES or sum(sizes) > MANY_CHARACTERS


def is_long(messages: Sequence[Message]) -> bool:
    """Whether what is done with all of these is long work."""
    return is_much(len(messages), (len(str(part.get("text", ""))) for one in messages for part in one["parts"]))


def text_of(message: Message) -> str:
    """What the message says: its text parts, without reasoning, tools and attachments."""
    return "".join(part["text"] for part in message["parts"] if part["type"] == "text")


def is_open(part: Part) -> TypeGuard[ToolPart]:
    """Whether this is a call that waits for its client."""
    if part["type"] != "tool" or "result" in part:
        return False
    return part.get("client", False) or "approved" not in part.get("approval", {"approved": False})


def open_calls(message: Message) -> list[ToolPart]:
    """The calls of a message that wait for its user's client."""
    return [part for part in message["parts"] if is_open(part)]


def without_commands(message: Message) -> Message:
    """A user's message without the lines at its start that are for the mock, as the emulator is to read it."""
    if message["role"] != "user" or not text_of(message).startswith(COMMAND):
        return message
    # Imported late: few messages have such lines.
    from ..mock.script.asked import split_message

    first, *others = message["parts"]
    if first["type"] != "text":
        return message
    return {**message, "parts": [{"type": "text", "text": split_message(first["text"])[1]}, *others]}


def title_of(messages: Iterable[Message]) -> str:
    """The opening words of the first user's message, at most `TITLE_CHARACTERS` and cut between words."""
    opening = next((message for message in messages if message["role"] == "user"), None)
    if opening is None:
        return UNTITLED
    # Sixty words are always enough, and the message may have a million.
    words = " ".join(text_of(opening).split(maxsplit=TITLE_CHARACTERS))
    if not words:
        kinds = {part["type"] for part in opening["parts"]}
        return "Image" if "picture" in kinds else "Attachment" if "attachment" in kinds else UNTITLED
    if len(words) <= TITLE_CHARACTERS:
        return words
    return words[:TITLE_CHARACTERS].rsplit(" ", 1)[0].rstrip(",;:") + "…"
