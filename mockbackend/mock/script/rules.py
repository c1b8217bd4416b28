"""The rules of a script: which calls each serves, and what it answers."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from msgspec import UNSET, Meta, Struct, UnsetType

from . import faults
from .checks import check_corner, check_json, check_moved, check_raw
from .corners import CORNERS, CornerName, ModelFault
from .faults import Seconds
from .when import AtLeastOne, When
from .wire import Wire

Finish = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]
DialectName = Literal["mistral", "vllm"]
RecordedEngine = Literal["azure", "openai"]
On = Literal["chat", "join", "stop", "conversations", "files", "images"]
DATA_URL = re.compile(r"data:image/(png|jpeg|webp|gif);base64,[A-Za-z0-9+/]+={0,2}")


class ToolCall(Struct, frozen=True, forbid_unknown_fields=True):
    """A tool call of the model. Arguments given as text may be broken JSON."""

    name: str
    arguments: str | dict[str, Any] = "{}"
    id: str | None = None

    def __post_init__(self) -> None:
        check_json("arguments", self.arguments)

    def json(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else orjson.dumps(self.arguments).decode()


class Usage(Struct, frozen=True, forbid_unknown_fields=True):
    prompt_tokens: int
    completion_tokens: int


class ChatStep(Struct, frozen=True, forbid_unknown_fields=True):
    """One model call: its deltas, their pace and their end. Without any of its own: the default."""

    reasoning: str | tuple[str, ...] | None = None
    text: str | tuple[str, ...] | None = None
    data: Any | UnsetType = UNSET
    tool_calls: tuple[ToolCall, ...] = ()
    fragment: AtLeastOne = 8
    tokens_per_second: Annotated[float, Meta(gt=0)] | None = None
    first_token_after: Seconds = 0
    hold: Annotated[int, Meta(ge=0)] | None = None
    finish: Finish | None = None
    usage: Usage | None = None
    fault: faults.ErrorFault | faults.StreamFault | None = None
    corner: CornerName | None = None
    raw: str | None = None

    def __post_init__(self) -> None:
        check_corner(self)
        check_raw(self.raw)
        if self.data is not UNSET:
            if self.text is not None:
                raise ValueError("give either 'text' or 'data'")
            check_json("data", self.data)

    @property
    def is_default(self) -> bool:
        """Whether it has nothing of its own to say."""
        return self.reasoning is None and self.said is None and not self.tool_calls

    @property
    def said(self) -> str | tuple[str, ...] | None:
        """Its text: that which it gives, or its data as JSON."""
        return self.text if self.data is UNSET else orjson.dumps(self.data).decode()

    @property
    def model_fault(self) -> ModelFault | None:
        """Its fault, by itself or as a corner."""
        return self.fault or _model_fault(self.corner)


class ChatItem(ChatStep, frozen=True):
    """An answer in chat: a step for each model call of a turn, or itself the only step."""

    steps: Annotated[tuple[ChatStep, ...], Meta(min_length=1)] | None = None
    wire: Wire | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps:
            check_moved(self, ChatStep(), "steps", "a step")

    def step(self, number: int) -> ChatStep:
        """The step for a model call of the turn, counted from 0; the last one repeats."""
        return self.steps[min(number, len(self.steps) - 1)] if self.steps else self


class ChatRule(ChatItem, frozen=True, tag_field="kind", tag="chat"):
    """A rule for chat. With `wire` it is about the front end's call as well, of the kind `on`."""

    when: str | When | None = None
    deployment: str | None = None
    times: AtLeastOne | None = None
    once: bool = False
    on: On | None = None
    nth: AtLeastOne | None = None
    dialect: DialectName | None = None
    source: str | None = None
    respond: Annotated[tuple[ChatItem, ...], Meta(min_length=1)] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_rule(self, ChatItem())
        if not is_of_wire(self) and (alone := "on" if self.on else "nth" if self.nth else None):
            raise ValueError(f"'{alone}' is about the front end's call: give 'wire' too")


class BaseRule(Struct, frozen=True, tag_field="kind", forbid_unknown_fields=True):
    """The base of all other rules. A key that is None fits every text, every deployment, any number of times.

    For `search` and `indexing`, the index is the deployment.
    """

    when: str | When | None = None
    deployment: str | None = None
    times: AtLeastOne | None = None
    once: bool = False
    source: str | None = None


class ImageItem(Struct, frozen=True, forbid_unknown_fields=True):
    """An image. `url` replaces the emulator's own in an answer of dall-e-3's shape, `image` the drawing."""

    revised_prompt: str | None = None
    delay: Seconds = 0
    url: str | None = None
    image: str | None = None
    fault: faults.ErrorFault | faults.UrlFault | None = None
    corner: CornerName | None = None
    wire: Wire | None = None
    raw: str | None = None

    def __post_init__(self) -> None:
        check_corner(self)
        check_raw(self.raw)
        if self.image is not None and not DATA_URL.fullmatch(self.image):
            raise ValueError("'image' must be a data: URL of an image in base64; only a file's script names files")

    @property
    def model_fault(self) -> faults.ErrorFault | faults.UrlFault | None:
        """Its fault, by itself or as a corner."""
        found = _model_fault(self.corner)
        return self.fault or (found if isinstance(found, faults.ErrorFault) else None)


class ImageRule(ImageItem, frozen=True, tag_field="kind", tag="image"):
    """A rule for images."""

    when: str | When | None = None
    deployment: str | None = None
    times: AtLeastOne | None = None
    once: bool = False
    source: str | None = None
    respond: Annotated[tuple[ImageItem, ...], Meta(min_length=1)] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_rule(self, ImageItem())


class EmbeddingItem(Struct, frozen=True, forbid_unknown_fields=True):
    """An answer with embeddings."""

    delay: Seconds = 0
    fault: faults.ErrorFault | None = None
    raw: str | None = None

    def __post_init__(self) -> None:
        check_raw(self.raw)


class EmbeddingRule(BaseRule, frozen=True, tag="embedding"):
    """A rule for embeddings."""

    delay: Seconds = 0
    fault: faults.ErrorFault | None = None
    raw: str | None = None
    respond: Annotated[tuple[EmbeddingItem, ...], Meta(min_length=1)] | None = None

    def __post_init__(self) -> None:
        check_raw(self.raw)
        _check_rule(self, EmbeddingItem())


class SearchItem(Struct, frozen=True, forbid_unknown_fields=True):
    """An answer of Azure AI Search to a search."""

    fault: faults.SearchFault | None = None


class SearchRule(BaseRule, frozen=True, tag="search"):
    """A rule for searches of Azure AI Search."""

    fault: faults.SearchFault | None = None
    respond: Annotated[tuple[SearchItem, ...], Meta(min_length=1)] | None = None

    def __post_init__(self) -> None:
        _check_rule(self, SearchItem())


class IndexingItem(Struct, frozen=True, forbid_unknown_fields=True):
    """An answer of Azure AI Search to a batch of documents."""

    fault: faults.SearchFault | faults.BatchFault | None = None


class IndexingRule(BaseRule, frozen=True, tag="indexing"):
    """A rule for batches of documents of Azure AI Search."""

    fault: faults.SearchFault | faults.BatchFault | None = None
    respond: Annotated[tuple[IndexingItem, ...], Meta(min_length=1)] | None = None

    def __post_init__(self) -> None:
        _check_rule(self, IndexingItem())


Rule = ChatRule | ImageRule | EmbeddingRule | SearchRule | IndexingRule


class Script(Struct, frozen=True, forbid_unknown_fields=True):
    """A script: the first rule that fits a call, and is not used up, serves it.

    With `recording`, the version of its form, it is a recording: a call that no rule fits is an error. `engine` is what
    was recorded, whose settings the service's errors name.
    """

    rules: tuple[Rule, ...]
    strict: bool = False
    dialect: DialectName | None = None
    seed: int | str | None = None
    now: Annotated[datetime, Meta(tz=True)] | None = None
    recording: Literal[1] | None = None
    engine: RecordedEngine | None = None


def is_of_wire(rule: Rule) -> bool:
    """Whether a rule is chosen when the front end's call comes."""
    return any(getattr(item, "wire", None) or _wire_corner(item) for item in (rule, *(rule.respond or ())))


def wire_of(item: object) -> Wire | None:
    """What the front end meets by a rule or an answer of it."""
    found: Wire | None = getattr(item, "wire", None)
    return found or _wire_corner(item)


def _wire_corner(item: object) -> Wire | None:
    corner = CORNERS.get(getattr(item, "corner", None) or "")
    return corner.value if corner and isinstance(corner.value, Wire) else None


def _model_fault(name: str | None) -> ModelFault | None:
    value = CORNERS[name].value if name else None
    return None if isinstance(value, Wire) else value


def _check_rule(rule: Rule, empty: Struct) -> None:
    if rule.once and rule.times is not None:
        raise ValueError("give either 'once' or 'times'")
    if rule.deployment is not None and isinstance(rule.when, When) and rule.when.deployment is not None:
        raise ValueError("'deployment' stands in 'when' or beside it, not in both")
    if rule.respond:
        check_moved(rule, empty, "respond", "an item of it")
