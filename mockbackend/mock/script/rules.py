"""The rules of a script: which calls each serves, and what it answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from msgspec import UNSET, Meta, Struct, UnsetType

from . import faults
from .checks import WRONG, Checked, Given, Mistake, moved, of_corner, of_json, of_raw
from .corners import CornerName, ModelFault, model_fault_of, wire_corner
from .data_parts import DataPart
from .faults import Seconds
from .tool_call import ToolCall
from .when import AtLeastOne, When
from .wire import Wire

Finish = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]
DialectName = Literal["mistral", "vllm"]
RecordedEngine = Literal["azure", "openai"]
On = Literal["chat", "join", "stop", "conversations", "files", "images"]
DATA_URL = re.compile(r"data:image/(png|jpeg|webp|gif);base64,[A-Za-z0-9+/]+={0,2}")


class Citation(Struct, frozen=True, forbid_unknown_fields=True):
    url: str
    title: str


class Usage(Struct, frozen=True, forbid_unknown_fields=True):
    prompt_tokens: int
    completion_tokens: int


class ChatStep(Checked, frozen=True, forbid_unknown_fields=True):
    """One model call: its deltas, their pace and their end. Without any of its own: the default."""

    reasoning: str | tuple[str, ...] | None = None
    text: str | tuple[str, ...] | None = None
    data: Any | UnsetType = UNSET
    citations: tuple[Citation, ...] = ()
    data_parts: tuple[DataPart, ...] = ()
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

    @classmethod
    def mistakes(cls, given: Given) -> Iterator[Mistake]:
        yield from of_corner(given)
        yield from of_raw(given)
        yield from of_json(given, "data")
        if "text" in given and "data" in given:
            yield Mistake("data", "give either 'text' or 'data'")
        if given.get("citations") and not ("text" in given or "data" in given):
            yield Mistake("citations", "give the 'text' that cites them")

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
        return self.fault or model_fault_of(self.corner)


class ChatItem(ChatStep, frozen=True):
    """An answer in chat: a step for each model call of a turn, or itself the only step."""

    steps: Annotated[tuple[ChatStep, ...], Meta(min_length=1)] | None = None
    wire: Wire | None = None

    @classmethod
    def mistakes(cls, given: Given) -> Iterator[Mistake]:
        yield from super().mistakes(given)
        yield from moved(given, ChatStep.__struct_fields__, "steps", "a step")

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

    @classmethod
    def mistakes(cls, given: Given) -> Iterator[Mistake]:
        # A key beside both lists belongs into the outer one.
        inner = {name: value for name, value in given.items() if name != "steps"} if "respond" in given else given
        yield from super().mistakes(inner)
        yield from _of_rule(given, ChatItem)
        if not _may_be_of_wire(given):
            for name in {"on", "nth"} & set(given):
                yield Mistake(name, "is about the front end's call: give 'wire' too", lacks=True)


class BaseRule(Checked, frozen=True, tag_field="kind", forbid_unknown_fields=True):
    """The base of all other rules. A key that is None fits every text, every deployment, any number of times.

    For `search` and `indexing`, the index is the deployment.
    """

    when: str | When | None = None
    deployment: str | None = None
    times: AtLeastOne | None = None
    once: bool = False
    source: str | None = None


class ImageItem(Checked, frozen=True, forbid_unknown_fields=True):
    """An image. `url` replaces the emulator's own in an answer of dall-e-3's shape, `image` the drawing."""

    revised_prompt: str | None = None
    delay: Seconds = 0
    url: str | None = None
    image: str | None = None
    fault: faults.ErrorFault | faults.UrlFault | None = None
    corner: CornerName | None = None
    wire: Wire | None = None
    raw: str | None = None

    @classmethod
    def mistakes(cls, given: Given) -> Iterator[Mistake]:
        yield from of_corner(given)
        yield from of_raw(given)
        if isinstance(image := given.get("image"), str) and not DATA_URL.fullmatch(image):
            yield Mistake("image", "must be a data: URL of an image in base64; only a file's script names files")

    @property
    def model_fault(self) -> faults.ErrorFault | faults.UrlFault | None:
        """Its fault, by itself or as a corner."""
        found = model_fault_of(self.corner)
        return self.fault or (found if isinstance(found, faults.ErrorFault) else None)


class ImageRule(ImageItem, frozen=True, tag_field="kind", tag="image"):
    """A rule for images."""

    when: str | When | None = None
    deployment: str | None = None
    times: AtLeastOne | None = None
    once: bool = False
    source: str | None = None
    respond: Annotated[tuple[ImageItem, ...], Meta(min_length=1)] | None = None

    @classmethod
    def mistakes(cls, given: Given) -> Iterator[Mistake]:
        yield from super().mistakes(given)
        yield from _of_rule(given, ImageItem)


class EmbeddingItem(Checked, frozen=True, forbid_unknown_fields=True):
    """An answer with embeddings."""

    delay: Seconds = 0
    fault: faults.ErrorFault | None = None
    raw: str | None = None

    @classmethod
    def mistakes(cls, given: Given) -> Iterator[Mistake]:
        return of_raw(given)


class EmbeddingRule(BaseRule, frozen=True, tag="embedding"):
    """A rule for embeddings."""

    delay: Seconds = 0
    fault: faults.ErrorFault | None = None
    raw: str | None = None
    respond: Annotated[tuple[EmbeddingItem, ...], Meta(min_length=1)] | None = None

    @classmethod
    def mistakes(cls, given: Given) -> Iterator[Mistake]:
        yield from of_raw(given)
        yield from _of_rule(given, EmbeddingItem)


class SearchItem(Struct, frozen=True, forbid_unknown_fields=True):
    """An answer of Azure AI Search to a search."""

    fault: faults.SearchFault | None = None


class SearchRule(BaseRule, frozen=True, tag="search"):
    """A rule for searches of Azure AI Search."""

    fault: faults.SearchFault | None = None
    respond: Annotated[tuple[SearchItem, ...], Meta(min_length=1)] | None = None

    @classmethod
    def mistakes(cls, given: Given) -> Iterator[Mistake]:
        return _of_rule(given, SearchItem)


class IndexingItem(Struct, frozen=True, forbid_unknown_fields=True):
    """An answer of Azure AI Search to a batch of documents."""

    fault: faults.SearchFault | faults.BatchFault | None = None


class IndexingRule(BaseRule, frozen=True, tag="indexing"):
    """A rule for batches of documents of Azure AI Search."""

    fault: faults.SearchFault | faults.BatchFault | None = None
    respond: Annotated[tuple[IndexingItem, ...], Meta(min_length=1)] | None = None

    @classmethod
    def mistakes(cls, given: Given) -> Iterator[Mistake]:
        return _of_rule(given, IndexingItem)


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
    return any(wire_of(item) for item in (rule, *(rule.respond or ())))


def wire_of(item: object) -> Wire | None:
    """What the front end meets by a rule or an answer of it."""
    found: Wire | None = getattr(item, "wire", None)
    return found or wire_corner(getattr(item, "corner", None))


def _may_be_of_wire(given: Given) -> bool:
    """Whether a rule is of the wire, or would be but for a mistake."""
    items = given.get("respond", ())
    if "wire" in given or WRONG in (given.get("corner"), items):
        return True
    return wire_corner(given.get("corner")) is not None or any(wire_of(item) for item in items)


def _of_rule(given: Given, item: type[Struct]) -> Iterator[Mistake]:
    if "once" in given and "times" in given:
        yield Mistake("times", "give either 'once' or 'times'")
    when = given.get("when")
    if "deployment" in given and isinstance(when, When) and when.deployment is not None:
        yield Mistake("deployment", "stands in 'when' or beside it, not in both")
    yield from moved(given, item.__struct_fields__, "respond", "an item of it")
