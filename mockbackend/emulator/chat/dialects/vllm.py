"""vLLM: OpenAI's shape with fields of its own, and errors without a wrapper."""

from collections.abc import Iterator, Mapping
from typing import assert_never

from ....mock import drawn
from ....mock.script.rules import Citation
from ...gateway.error_faults import reason_phrase
from ...gateway.errors import AzureError, ContextTooLong, OwnWords
from ..answer import Answer, CallArguments, CallStart, Delta, Names, Reasoning, Text
from ..chunks import Chunk, Phase, logprobs_document
from ..request import CONTEXT, ChatRequest
from .dialect import Dialect, Document, EngineError, header, message_of, usage_of, whole_calls

TYPES: Mapping[int, str] = {400: "BadRequestError", 404: "NotFoundError", 500: "InternalServerError"}


def _read(body: Mapping[str, object]) -> Mapping[str, object]:
    """All of it: what it does not know, it ignores."""
    return body


def _check(request: ChatRequest) -> None:
    if request.limit is None or request.limit + request.prompt_tokens <= CONTEXT:
        return
    asked, used = request.limit, request.prompt_tokens
    named = "max_completion_tokens" if request.call.body.get("max_completion_tokens") is not None else "max_tokens"
    raise _refusal(
        400,
        f"'{named}' is too large: {asked}. This model's maximum context length is {CONTEXT} tokens and your request "
        f"has {used} input tokens ({asked} > {CONTEXT} - {used}).",
    )


def _chunks(answer: Answer, include_usage: bool) -> Iterator[Chunk]:
    head = header(answer, "chat.completion.chunk")
    yield Chunk(Phase.ROLE, _choice({"role": "assistant", "content": ""}), head)
    for delta in answer.deltas:
        logprobs = logprobs_document([delta.text], answer.logprobs) if isinstance(delta, Text) else None
        yield Chunk(Phase.DELTA, {**_choice(_delta(delta)), "logprobs": logprobs}, head)
    yield Chunk(Phase.FINISH, {**_choice({"content": ""}, answer.finish), "stop_reason": None}, head)
    if include_usage:
        yield Chunk(Phase.USAGE, None, {**head, "usage": usage_of(answer)})


def _choice(delta: Document, finish: str | None = None) -> Document:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def _delta(delta: Delta) -> Document:
    match delta:
        case Text(text):
            return {"content": text}
        case Reasoning(text):
            # The newer name and the older one.
            return {"reasoning": text, "reasoning_content": text}
        case CallStart(index, call_id, name):
            function = {"name": name, "arguments": ""}
            return {"tool_calls": [{"index": index, "id": call_id, "type": "function", "function": function}]}
        case CallArguments(index, fragment):
            return {"tool_calls": [{"index": index, "function": {"arguments": fragment}}]}
        case Citation():
            return {}  # it searches nothing
        case _:
            assert_never(delta)


def _completion(answer: Answer) -> Document:
    calls = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}
        for call, arguments in whole_calls(answer)
    ]
    reasoning = answer.reasoning or None
    message = {
        "role": "assistant",
        "reasoning": reasoning,
        "reasoning_content": reasoning,
        "content": None if calls and not answer.text else answer.text,
        "tool_calls": calls,
    }
    words = [delta.text for delta in answer.deltas if isinstance(delta, Text)]
    choice = {
        "message": message,
        "logprobs": logprobs_document(words, answer.logprobs),
        "finish_reason": answer.finish,
        "stop_reason": None,
    }
    choices = [{"index": index, **choice} for index in range(answer.choices)]
    more: Document = {"usage": usage_of(answer), "prompt_logprobs": None}
    return {**header(answer, "chat.completion"), "choices": choices, **more}


def _error(error: AzureError) -> EngineError:
    words = message_of(error)
    if isinstance(error.cause, OwnWords) and error.cause.message:
        words = error.cause.message
    elif isinstance(error.cause, ContextTooLong):
        words = (
            f"This model's maximum context length is {error.cause.limit} tokens. However, your request has "
            f"{error.cause.used} input tokens. Please reduce the length of the input messages."
        )
    elif error.status in (401, 403, 404, 408, 429):
        # Azure's words name Azure.
        words = reason_phrase(error.status)
    code = error.cause.code if isinstance(error.cause, OwnWords) else None
    return _refusal(error.status, words, error.headers, code)


def _refusal(
    status: int, message: str, headers: Mapping[str, str] | None = None, own_code: str | None = None
) -> EngineError:
    code = 500 if status == 200 else status
    kind = TYPES.get(code) or reason_phrase(code)
    body = {"object": "error", "message": message, "type": kind, "param": None, "code": own_code or code}
    return EngineError(status, body, headers)


VLLM = Dialect(
    names=Names(lambda: f"chatcmpl-{drawn.token_hex(16)}", lambda: f"chatcmpl-tool-{drawn.token_hex(16)}"),
    read=_read,
    check=_check,
    chunks=_chunks,
    completion=_completion,
    error=_error,
)
