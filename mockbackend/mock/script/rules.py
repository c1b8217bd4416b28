"""The rules of a script: which calls each serves, and what it answers."""

import re
from typing import Annotated, Any, Literal

import orjson
from msgspec import Meta, Struct

from . import faults
from .faults import Seconds

Finish = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]
AtLeastOne = Annotated[int, Meta(ge=1)]


class Pattern(Struct, frozen=True, forbid_unknown_fields=True):
    """A text that must be equal, or a regular expression that must be found."""

    equals: str | None = None
    regex: str | None = None

    def __post_init__(self) -> None:
        if (self.equals is None) == (self.regex is None):
            raise ValueError("give either 'equals' or 'regex'")
        if self.regex is not None:
            try:
                re.compile(self.regex)
            except re.error as error:
                raise ValueError(f"'regex' is not a regular expression: {error}") from None

    def matches(self, text: str) -> bool:
        return text == self.equals if self.regex is None else re.search(self.regex, text) is not None


class ToolCall(Struct, frozen=True, forbid_unknown_fields=True):
    """A tool call of the model. Arguments given as text may be broken JSON."""

    name: str
    arguments: str | dict[str, Any] = "{}"
    id: str | None = None

    def __post_init__(self) -> None:
        try:
            self.json()
        except orjson.JSONEncodeError as error:
            raise ValueError(f"'arguments' cannot be written as JSON: {error}") from None

    def json(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else orjson.dumps(self.arguments).decode()


class Usage(Struct, frozen=True, forbid_unknown_fields=True):
    prompt_tokens: int
    completion_tokens: int


class ChatStep(Struct, frozen=True, forbid_unknown_fields=True):
    """One model call: its deltas, their pace and their end. Without text, reasoning and tool calls: the default."""

    reasoning: str | tuple[str, ...] | None = None
    text: str | tuple[str, ...] | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    fragment: AtLeastOne = 8
    tokens_per_second: Annotated[float, Meta(gt=0)] | None = None
    first_token_after: Seconds = 0
    finish: Finish | None = None
    usage: Usage | None = None
    fault: faults.ErrorFault | faults.StreamFault | None = None

    @property
    def is_default(self) -> bool:
        """Whether it has nothing of its own to say."""
        return self.reasoning is None and self.text is None and not self.tool_calls


class ChatRule(ChatStep, frozen=True, tag_field="kind", tag="chat"):
    """A rule for chat: a step for each model call of a turn, or itself the only step."""

    when: str | Pattern | None = None
    deployment: str | None = None
    times: AtLeastOne | None = None
    steps: Annotated[tuple[ChatStep, ...], Meta(min_length=1)] | None = None

    def __post_init__(self) -> None:
        if self.steps:
            default = ChatStep()
            for key in ChatStep.__struct_fields__:
                if getattr(self, key) != getattr(default, key):
                    raise ValueError(f"move '{key}' into a step, since the rule has 'steps'")

    def step(self, number: int) -> ChatStep:
        """The step for a model call of the turn, counted from 0; the last one repeats."""
        return self.steps[min(number, len(self.steps) - 1)] if self.steps else self


class BaseRule(Struct, frozen=True, tag_field="kind", forbid_unknown_fields=True):
    """The base of all other rules. A key that is None fits every text, every deployment, any number of times.

    For `search` and `indexing`, the index is the deployment.
    """

    when: str | Pattern | None = None
    deployment: str | None = None
    times: AtLeastOne | None = None


class ImageRule(BaseRule, frozen=True, tag="image"):
    """A rule for images. `url` replaces the emulator's own in an answer of dall-e-3's shape."""

    revised_prompt: str | None = None
    delay: Seconds = 0
    url: str | None = None
    fault: faults.ErrorFault | faults.UrlFault | None = None


class EmbeddingRule(BaseRule, frozen=True, tag="embedding"):
    """A rule for embeddings."""

    delay: Seconds = 0
    fault: faults.ErrorFault | None = None


class SearchRule(BaseRule, frozen=True, tag="search"):
    """A rule for searches of Azure AI Search."""

    fault: faults.SearchFault | None = None


class IndexingRule(BaseRule, frozen=True, tag="indexing"):
    """A rule for batches of documents of Azure AI Search."""

    fault: faults.SearchFault | faults.BatchFault | None = None


Rule = ChatRule | ImageRule | EmbeddingRule | SearchRule | IndexingRule


class Script(Struct, frozen=True, forbid_unknown_fields=True):
    """A script: the first rule that fits a call, and is not used up, serves it."""

    rules: tuple[Rule, ...]
