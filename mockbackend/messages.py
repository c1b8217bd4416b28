"""Stored messages: plain dicts, one a user's message and one all that answers it.

    {"id", "role": "user", "turn", "at", "parts", "documents"?, "refused"?}
    {"id", "role": "assistant", "turn", "at", "parts", "finish", "usage", "incomplete"?, "error"?}

`at` is integer milliseconds, `turn` the id of the turn that wrote it. `documents` are the files that the user named to
be searched. `refused` marks a prompt that the content filter refused: it is shown and never sent again. `Part` lists
what a message consists of, each with its own `type`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NotRequired, TypeAlias, TypedDict, assert_never

from .events import (
    EngineData,
    Event,
    Failed,
    ImageMade,
    Progress,
    ReasoningDelta,
    Source,
    StepEnded,
    StepStarted,
    TextDelta,
    ToolCallDelta,
    ToolCalled,
    ToolCallStarted,
    ToolReturned,
    TurnEnded,
    Usage,
)

# How a message begins that asks the mock for something.
COMMAND = "/mock"


class TextPart(TypedDict):
    """Words that the user or the model wrote."""

    type: Literal["text"]
    text: str


class ReasoningPart(TypedDict):
    """Words of the model's reasoning."""

    type: Literal["reasoning"]
    text: str


class StepPart(TypedDict):
    """The beginning of a model call."""

    type: Literal["step"]


class ToolPart(TypedDict):
    """A tool call and its result; `failed` where the result is an error."""

    type: Literal["tool"]
    id: str
    name: str
    args: dict[str, Any]
    result: NotRequired[Any]
    failed: NotRequired[bool]


class ImagePart(TypedDict):
    """An image in the store: one that the user attached, or one that the answer shows."""

    type: Literal["picture"]
    token: str
    media_type: NotRequired[str]
    name: NotRequired[str]
    revised_prompt: NotRequired[str]


class SourcePart(TypedDict):
    """A place in a document that the answer draws on, or a page of the web."""

    type: Literal["source"]
    file_id: str
    name: str
    media_type: str
    place: str
    url: NotRequired[str]


class EnginePart(TypedDict):
    """What the model API wants back with a step's message: for `upstream`, and shown to nobody."""

    type: Literal["engine"]
    data: dict[str, Any]


class AttachmentPart(TypedDict):
    """A text that the user attached."""

    type: Literal["attachment"]
    name: str
    media_type: str
    text: str


class NamedDocument(TypedDict):
    """A file that a user's message named to be searched, under the name that it had then."""

    id: str
    name: str


Part: TypeAlias = TextPart | ReasoningPart | StepPart | ToolPart | ImagePart | SourcePart | AttachmentPart | EnginePart
UNTITLED = "New conversation"
# What is done with more messages than these, or with more text, is long work: on a thread, one piece at a time for each
# user.
MANY_MESSAGES = 1_000
MANY_CHARACTERS = 1_000_000
TITLE_CHARACTERS = 60
INTERRUPTED = "The call was interrupted before it had a result."


class Message(TypedDict):
    """A stored message; the module's docstring has its shape."""

    id: str
    role: Literal["user", "assistant"]
    turn: str
    at: int
    parts: list[Part]
    documents: NotRequired[list[NamedDocument]]
    refused: NotRequired[bool]
    finish: NotRequired[str]
    incomplete: NotRequired[bool]
    error: NotRequired[str]
    usage: NotRequired[dict[str, int]]


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


def without_commands(message: Message) -> Message:
    """A user's message without the lines at its start that are for the mock, as the emulator is to read it."""
    if message["role"] != "user" or not text_of(message).startswith(COMMAND):
        return message
    # Imported late: few messages have such lines.
    from .mock.script.asked import split_message

    first, *others = message["parts"]
    if first["type"] != "text":
        return message
    return {**message, "parts": [{"type": "text", "text": split_message(first["text"])[1]}, *others]}


def answer_parts(events: Iterable[Event]) -> list[Part]:
    """The parts of an answer, from its turn's events. A call that has no result gets the reason as one."""
    parts: list[Part] = []
    calls: dict[str, ToolPart] = {}
    words: list[str] = []
    kind: Literal["text", "reasoning"] = "text"

    def flush() -> None:
        if words:
            text = "".join(words)
            parts.append({"type": "text", "text": text} if kind == "text" else {"type": "reasoning", "text": text})
            words.clear()

    for event in events:
        match event:
            case TextDelta(text) | ReasoningDelta(text):
                now: Literal["text", "reasoning"] = "text" if isinstance(event, TextDelta) else "reasoning"
                if now != kind:
                    flush()
                kind = now
                words.append(text)
                continue
            case ToolCallDelta():
                continue
        flush()
        match event:
            case StepStarted():
                parts.append({"type": "step"})
            case ToolCallStarted(call_id, name):
                calls[call_id] = {"type": "tool", "id": call_id, "name": name, "args": {}}
                parts.append(calls[call_id])
            case ToolCalled(call_id, name, args):
                if call_id not in calls:
                    calls[call_id] = {"type": "tool", "id": call_id, "name": name, "args": args}
                    parts.append(calls[call_id])
                calls[call_id]["args"] = args
            case ToolReturned(call_id, result, failed):
                calls[call_id]["result"] = result
                if failed:
                    calls[call_id]["failed"] = True
            case ImageMade(token, revised_prompt):
                image: ImagePart = {"type": "picture", "token": token}
                if revised_prompt:
                    image["revised_prompt"] = revised_prompt
                parts.append(image)
            case Source(file_id, name, media_type, place, url):
                source: SourcePart = {
                    "type": "source",
                    "file_id": file_id,
                    "name": name,
                    "media_type": media_type,
                    "place": place,
                }
                if url:
                    source["url"] = url
                parts.append(source)
            case EngineData(data):
                parts.append({"type": "engine", "data": data})
            case Progress() | StepEnded() | Failed() | TurnEnded():
                pass  # passing, or of the whole message
            case _:
                assert_never(event)
    flush()
    for call in calls.values():
        if "result" not in call:
            call["result"] = {"error": INTERRUPTED}
            call["failed"] = True
    return parts


def answer_message(message_id: str, turn: str, at: int, events: list[Event], *, complete: bool) -> Message:
    """The stored answer of a turn: what the user saw, marked incomplete unless it came to its own end."""
    message: Message = {"id": message_id, "role": "assistant", "turn": turn, "at": at, "parts": answer_parts(events)}
    usage = Usage()
    for event in events:
        if isinstance(event, StepEnded):
            message["finish"] = event.finish_reason
            usage += event.usage
        elif isinstance(event, Failed):
            message["error"] = event.message
    message["usage"] = {"prompt": usage.prompt, "completion": usage.completion}
    if not complete:
        message["incomplete"] = True
    return message


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
