"""An answer before it has a wire shape: deltas, how it finishes, what it cost."""

import secrets
from dataclasses import dataclass
from time import time

from ..gateway import tokens
from ..script.rules import ChatStep, Finish, ScriptedCall
from .request import ChatRequest


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    text: str


@dataclass(frozen=True, slots=True)
class CallBegins:
    index: int
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class CallArguments:
    index: int
    fragment: str


Delta = Text | Reasoning | CallBegins | CallArguments


@dataclass(frozen=True, slots=True)
class Cost:
    """Token counts as `usage` has them; `reasoning` is part of `completion`."""

    prompt: int
    completion: int
    reasoning: int


@dataclass(frozen=True, slots=True)
class Answer:
    """`created` in seconds since 1970."""

    id: str
    created: int
    model: str
    deltas: tuple[Delta, ...]
    finish: Finish
    cost: Cost

    @property
    def text(self) -> str:
        return "".join(delta.text for delta in self.deltas if isinstance(delta, Text))

    @property
    def reasoning(self) -> str:
        return "".join(delta.text for delta in self.deltas if isinstance(delta, Reasoning))


def answer_of(request: ChatRequest, step: ChatStep) -> Answer:
    """The answer that a step gives to a request, cut to the asked length unless the step says how it finishes."""
    deltas: list[Delta] = [Reasoning(text) for text in step.reasoning or ()]
    deltas += [Text(text) for text in step.text or ()]
    kept = deltas if step.finish or request.limit is None else _within(deltas, request.limit)
    finish: Finish = "stop"
    if len(kept) < len(deltas):
        finish = "length"
    elif step.tool_calls:
        finish = "tool_calls"
        for index, call in enumerate(step.tool_calls):
            kept += _call_deltas(index, call, step.fragment)
    return Answer(
        id=f"chatcmpl-{secrets.token_hex(14)}",
        created=int(time()),
        model=request.call.deployment.model,
        deltas=tuple(kept),
        finish=step.finish or finish,
        cost=_cost(request, step, kept),
    )


def _within(deltas: list[Delta], limit: int) -> list[Delta]:
    """As many deltas as fit in so many tokens; hidden reasoning counts too."""
    length = 0
    for at, delta in enumerate(deltas):
        length += len(_words(delta))
        if -(-length // tokens.CHARACTERS_PER_TOKEN) > limit:
            return deltas[:at]
    return deltas


def _call_deltas(index: int, call: ScriptedCall, size: int) -> list[Delta]:
    begins = CallBegins(index, call.id or f"call_{secrets.token_hex(12)}", call.name)
    text = call.arguments
    return [begins, *(CallArguments(index, text[at : at + size]) for at in range(0, len(text), size))]


def _words(delta: Delta) -> str:
    match delta:
        case Text(text) | Reasoning(text):
            return text
        case CallBegins(name=name):
            return name
        case CallArguments(fragment=fragment):
            return fragment


def _cost(request: ChatRequest, step: ChatStep, deltas: list[Delta]) -> Cost:
    reasoning = tokens.count("".join(delta.text for delta in deltas if isinstance(delta, Reasoning)))
    if step.usage:
        return Cost(step.usage.prompt_tokens, step.usage.completion_tokens, reasoning)
    return Cost(request.prompt_tokens, tokens.count("".join(map(_words, deltas))), reasoning)
