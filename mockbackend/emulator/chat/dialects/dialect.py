"""What is an engine's own: what it refuses of a chat call, and the shapes of its answers and errors."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...gateway.errors import AzureError
from ..answer import Answer, CallArguments, CallStart, Names
from ..chunks import Chunk
from ..request import ChatRequest

Document = dict[str, object]


class EngineError(AzureError):
    """An error in the engine's own shape."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """An engine's dialect.

    `read` gives the body as Azure would have it, `check` looks at the request that it is; both raise EngineError where
    the engine refuses it. `error` says one of Azure's errors in the engine's words.
    """

    names: Names
    read: Callable[[Mapping[str, object]], Mapping[str, object]]
    check: Callable[[ChatRequest], None]
    chunks: Callable[[Answer, bool], Iterator[Chunk]]
    completion: Callable[[Answer], Document]
    error: Callable[[AzureError], EngineError]


def message_of(error: AzureError) -> str:
    """The message of one of Azure's errors."""
    inner = error.body.get("error")
    return str(inner.get("message", "")) if isinstance(inner, dict) else ""


def usage_of(answer: Answer) -> Document:
    usage = answer.usage
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
    }


def header(answer: Answer, kind: str) -> Document:
    return {"id": answer.id, "object": kind, "created": answer.created, "model": answer.model}


def whole_calls(answer: Answer) -> Iterator[tuple[CallStart, str]]:
    """Each call of an answer, with all of its arguments."""
    for call in answer.deltas:
        if isinstance(call, CallStart):
            pieces = (one for one in answer.deltas if isinstance(one, CallArguments) and one.index == call.index)
            yield call, "".join(piece.fragment for piece in pieces)


def without_thinking(body: Mapping[str, object]) -> Mapping[str, object]:
    """The body without the parts of messages that are earlier thinking."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        return body
    return {**body, "messages": [_without_thinking(message) for message in messages]}


def _without_thinking(message: Any) -> Any:
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        return message
    kept = [part for part in content if not (isinstance(part, dict) and part.get("type") == "thinking")]
    return {**message, "content": kept}
