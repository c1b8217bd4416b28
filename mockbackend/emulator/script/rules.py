"""What a script says: rules, and the steps that answer a chat call, a picture, an embedding or a search."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from . import faults

S = TypeVar("S")
Finish = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]


@dataclass(frozen=True, slots=True)
class ScriptedCall:
    """A tool call. `arguments` is the text as the model writes it, so it may be broken JSON."""

    name: str
    arguments: str = "{}"
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class ChatStep:
    """One model call: its deltas, their pace and its end. No text, reasoning nor tool call: the default answer."""

    reasoning: tuple[str, ...] | None = None
    text: tuple[str, ...] | None = None
    tool_calls: tuple[ScriptedCall, ...] = ()
    fragment: int = 8
    tokens_per_second: float | None = None
    first_token_after: float = 0
    finish: Finish | None = None
    usage: Usage | None = None
    fault: faults.ErrorFault | faults.StreamFault | None = None

    def __post_init__(self) -> None:
        if self.fragment < 1:
            raise ValueError("'fragment' must be at least one character")
        if self.tokens_per_second is not None and self.tokens_per_second <= 0:
            raise ValueError("'tokens_per_second' must be above zero")
        if self.first_token_after < 0:
            raise ValueError("'first_token_after' cannot be negative")

    @property
    def silent(self) -> bool:
        """Says nothing of its own."""
        return self.reasoning is None and self.text is None and not self.tool_calls


@dataclass(frozen=True, slots=True)
class ImageStep:
    """One picture. `delay` in seconds; `url` is answered instead of the emulator's own (dall-e-3's shape)."""

    revised_prompt: str | None = None
    delay: float = 0
    url: str | None = None
    fault: faults.ErrorFault | faults.UrlFault | None = None

    def __post_init__(self) -> None:
        if self.delay < 0:
            raise ValueError("'delay' cannot be negative")


@dataclass(frozen=True, slots=True)
class EmbeddingStep:
    delay: float = 0
    fault: faults.ErrorFault | None = None

    def __post_init__(self) -> None:
        if self.delay < 0:
            raise ValueError("'delay' cannot be negative")


@dataclass(frozen=True, slots=True)
class SearchStep:
    fault: faults.SearchFault | None = None


@dataclass(frozen=True, slots=True)
class IndexingStep:
    """One batch of documents that is sent to an index."""

    fault: faults.IndexingFault | None = None


@dataclass(frozen=True, slots=True)
class Rule(Generic[S]):
    """Which calls are answered by which steps. None stands for any text, any deployment, any number of times.

    Of a search and of a batch of documents, the index stands for the deployment.
    """

    when: re.Pattern[str] | None
    deployment: str | None
    times: int | None
    steps: tuple[S, ...]

    def fits(self, deployment: str, text: str) -> bool:
        if self.deployment not in (None, deployment):
            return False
        return self.when is None or self.when.search(text) is not None


@dataclass(frozen=True, slots=True)
class Script:
    """Rules by what they answer; the first that fits and is not used up serves a call."""

    chat: tuple[Rule[ChatStep], ...] = ()
    image: tuple[Rule[ImageStep], ...] = ()
    embedding: tuple[Rule[EmbeddingStep], ...] = ()
    search: tuple[Rule[SearchStep], ...] = ()
    indexing: tuple[Rule[IndexingStep], ...] = ()


class Rulebook:
    """A script in use: remembers how often each rule has served."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self._served: Counter[int] = Counter()

    def serve(self, rules: tuple[Rule[S], ...], deployment: str, text: str) -> tuple[S, ...]:
        """The steps of the first rule that fits, which has then served once more; none where none fits."""
        for rule in rules:
            if rule.fits(deployment, text) and (rule.times is None or self._served[id(rule)] < rule.times):
                self._served[id(rule)] += 1
                return rule.steps
        return ()
