"""What can happen in a turn: one frozen class for each thing.

Events know neither the model API they come from nor the wire they go to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

FinishReason: TypeAlias = Literal["stop", "length", "content-filter", "tool-calls", "error", "other"]
ProgressKind: TypeAlias = Literal["context", "incomplete", "picture", "retry"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the model counted them; zeros if it reported nothing."""

    prompt: int = 0
    completion: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.prompt + other.prompt, self.completion + other.completion)


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A model call begins. The same message id in every step of a turn."""

    message_id: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    """Words of the answer, as the upstream cut them; never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """Words of the model's reasoning; never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallStarted:
    """The model begins a tool call; its arguments follow."""

    call_id: str
    name: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A fragment of the arguments' JSON."""

    call_id: str
    fragment: str


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """A complete tool call; its arguments are a JSON object."""

    call_id: str
    name: str
    args: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ResultAwaited:
    """The call is the client's to run: it stays open, and its result comes with a later request."""

    call_id: str


@dataclass(frozen=True, slots=True)
class ApprovalAsked:
    """The call runs once the user has said yes: it stays open, and the answer comes with a later request."""

    call_id: str
    approval_id: str


@dataclass(frozen=True, slots=True)
class ApprovalGiven:
    """The user's yes or no to a call, with a reason if the user gave one."""

    call_id: str
    approved: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ToolReturned:
    """The result of a tool call, any JSON. With `failed`, the reason why there is no result."""

    call_id: str
    result: Any
    failed: bool = False


@dataclass(frozen=True, slots=True)
class ImageMade:
    """A generated image: its token in the store, and the prompt as the model revised it."""

    token: str
    revised_prompt: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A document that the answer draws on. `place` is in words (`page 3`), or empty for the whole document.

    A page of the web that the engine cites has a `url`, and its title as the name; it is no file of the service.
    """

    file_id: str
    name: str
    media_type: str
    place: str = ""
    url: str = ""

    @property
    def id(self) -> str:
        """The id of this place in the document, the same every time."""
        return self.url or (f"{self.file_id}#{self.place}" if self.place else self.file_id)


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of something slow: `kind` says of what, as on the wire; `data` how far."""

    kind: ProgressKind
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DataShown:
    """Data that a tool shows the user, any JSON: `name` says of what kind.

    In a message the last of a name and id counts. A `transient` one is for those who read it now, and in no message.
    """

    name: str
    id: str
    data: Any
    transient: bool = False


@dataclass(frozen=True, slots=True)
class EngineData:
    """What the model API wants back with the message of this step; nobody else reads it.

    Several in one step add up, by their keys.
    """

    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A model call and its tools are done."""

    finish_reason: FinishReason
    usage: Usage


@dataclass(frozen=True, slots=True)
class Failed:
    """The turn's failure; the message is safe to show."""

    message: str


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The turn's end, which is stored. Nothing follows."""

    finish_reason: FinishReason
    usage: Usage


Event: TypeAlias = (
    StepStarted
    | TextDelta
    | ReasoningDelta
    | ToolCallStarted
    | ToolCallDelta
    | ToolCalled
    | ResultAwaited
    | ApprovalAsked
    | ApprovalGiven
    | ToolReturned
    | ImageMade
    | Source
    | Progress
    | DataShown
    | EngineData
    | StepEnded
    | Failed
    | TurnEnded
)

# What the model says. The first of it ends the wait of those who read.
OUTPUT = (TextDelta, ReasoningDelta, ToolCallStarted, ImageMade)
