"""The shapes of stored messages and of their parts."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict


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


class Approval(TypedDict):
    """The question whether a call may run, by its id, and the user's answer."""

    id: str
    approved: NotRequired[bool]
    reason: NotRequired[str]


class ToolPart(TypedDict):
    """A tool call and its result; `failed` where the result is an error.

    Without a result the call is open: it waits for its `client`, or for the answer to its `approval`.
    """

    type: Literal["tool"]
    id: str
    name: str
    args: dict[str, Any]
    result: NotRequired[Any]
    failed: NotRequired[bool]
    client: NotRequired[bool]
    approval: NotRequired[Approval]


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


class DataPart(TypedDict):
    """Data that a tool showed, any JSON: the last of its name and id, in the place of the first."""

    type: Literal["data"]
    name: str
    id: str
    data: Any


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


Part: TypeAlias = (
    TextPart | ReasoningPart | StepPart | ToolPart | ImagePart | SourcePart | DataPart | AttachmentPart | EnginePart
)


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
