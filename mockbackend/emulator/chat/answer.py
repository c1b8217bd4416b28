"""An answer before it has a wire shape: its deltas, how it finishes, and what it cost."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import assert_never

from ...mock import drawn
from ...mock.script.rules import ChatStep, Citation, Finish
from ...mock.script.tool_call import ToolCall
from ..gateway import tokens
from .request import ChatRequest


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    text: str


@dataclass(frozen=True, slots=True)
class CallStart:
    """A tool call begins. A custom tool's arguments are any text."""

    index: int
    id: str
    name: str
    custom: bool = False


@dataclass(frozen=True, slots=True)
class CallArguments:
    """A piece of a tool call's arguments."""

    index: int
    fragment: str
    custom: bool = False


Delta = Text | Citation | Reasoning | CallStart | CallArguments


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts, as `usage` has them; `reasoning` is part of `completion`."""

    prompt: int
    completion: int
    reasoning: int


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; `created` in seconds since 1970, `choices` is how often it is given, `logprobs` the request's."""

    id: str
    created: int
    model: str
    deltas: tuple[Delta, ...]
    finish: Finish
    usage: Usage
    choices: int = 1
    logprobs: int | None = None

    @property
    def text(self) -> str:
        return "".join(delta.text for delta in self.deltas if isinstance(delta, Text))

    @property
    def citations(self) -> list[Citation]:
        return [delta for delta in self.deltas if isinstance(delta, Citation)]

    @property
    def reasoning(self) -> str:
        return "".join(delta.text for delta in self.deltas if isinstance(delta, Reasoning))


@dataclass(frozen=True, slots=True)
class Names:
    """How an engine names what it answers; `dated`: it says which version of the model has answered."""

    answer_id: Callable[[], str]
    call_id: Callable[[], str]
    dated: bool = False


AZURE_NAMES = Names(lambda: f"chatcmpl-{drawn.token_hex(14)}", lambda: f"call_{drawn.token_hex(12)}", dated=True)


def build_answer(request: ChatRequest, step: ChatStep, names: Names) -> Answer:
    """The answer of a step, cut to the length that the request allows unless the step says how it finishes."""
    deltas: list[Delta] = [Reasoning(text) for text in _deltas(step.reasoning)]
    deltas += [Text(text) for text in _until_stop(_deltas(step.said), request.stop)]
    if deltas:
        deltas += step.citations
    kept = deltas if step.finish or request.limit is None else _truncate(deltas, request.limit)
    finish: Finish = "stop"
    if len(kept) < len(deltas):
        finish = "length"
    elif step.tool_calls:
        finish = "tool_calls"
        for index, call in enumerate(step.tool_calls):
            tool = request.tool(call.name)
            kept += _call_deltas(index, call, step.fragment, names, custom=tool is not None and tool.custom)
    return Answer(
        id=names.answer_id(),
        created=int(drawn.time()),
        model=request.call.deployment.model if names.dated else request.call.deployment.name,
        deltas=tuple(kept),
        finish=step.finish or finish,
        usage=_usage(request, step, kept),
        choices=request.choices,
        logprobs=request.logprobs,
    )


def _deltas(text: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """The pieces of a text, which are its words, or of a list, which are its items."""
    return _words(text) if isinstance(text, str) else text or ()


# A script's texts are few, and may be long.
@lru_cache(maxsize=256)
def _words(text: str) -> tuple[str, ...]:
    return tokens.split(text)


def _until_stop(pieces: tuple[str, ...], stop: tuple[str, ...]) -> tuple[str, ...]:
    """The pieces up to the first of the texts that end an answer."""
    text = "".join(pieces)
    ends = [at for at in map(text.find, stop) if at >= 0]
    if not ends:
        return pieces
    kept: list[str] = []
    left = min(ends)
    for piece in pieces:
        if left <= 0:
            break
        kept.append(piece[:left])
        left -= len(piece)
    return tuple(kept)


def _truncate(deltas: list[Delta], limit: int) -> list[Delta]:
    """The deltas that fit in `limit` tokens; hidden reasoning counts too."""
    length = 0
    for at, delta in enumerate(deltas):
        length += len(_content(delta))
        if -(-length // tokens.CHARACTERS_PER_TOKEN) > limit:
            return deltas[:at]
    return deltas


def _call_deltas(index: int, call: ToolCall, size: int, names: Names, *, custom: bool) -> list[Delta]:
    start = CallStart(index, call.id or names.call_id(), call.name, custom)
    text = call.json()
    return [start, *(CallArguments(index, text[at : at + size], custom) for at in range(0, len(text), size))]


def _content(delta: Delta) -> str:
    match delta:
        case Text(text) | Reasoning(text):
            return text
        case CallStart(name=name):
            return name
        case CallArguments(fragment=fragment):
            return fragment
        case Citation():
            return ""
        case _:
            assert_never(delta)


def _usage(request: ChatRequest, step: ChatStep, deltas: list[Delta]) -> Usage:
    reasoning = tokens.count("".join(delta.text for delta in deltas if isinstance(delta, Reasoning)))
    if step.usage:
        return Usage(step.usage.prompt_tokens, step.usage.completion_tokens, reasoning)
    said = tokens.count("".join(map(_content, deltas)))
    return Usage(request.prompt_tokens, said * request.choices, reasoning * request.choices)
