"""Chat completions: a request and a step become a reply, streamed or whole."""

from collections.abc import Iterator
from typing import get_args

from ..gateway import content_filter as filters
from ..gateway import wire
from ..gateway.reply import CUT, Pause, Piece, Reply, whole
from ..script import faults
from ..script.rules import ChatStep
from .answer import Answer, CallArguments, CallBegins, answer_of
from .chunks import FINGERPRINT, Chunk, Phase, chunks_of, usage
from .request import ChatRequest
from .stream_faults import SERVER_ERROR, Part, disturb


def reply_to(request: ChatRequest, step: ChatStep) -> Reply:
    """The reply that a step gives; a fault that refuses the call has been seen to before."""
    answer = answer_of(request, step)
    fault = step.fault if isinstance(step.fault, get_args(faults.StreamFault)) else None
    if request.stream:
        pieces = _stream(answer, request, step, fault)
        return Reply(pieces, wire.azure_headers(wire.EVENT_STREAM))
    return _whole(answer, step, fault)


def _stream(answer: Answer, request: ChatRequest, step: ChatStep, fault: faults.StreamFault | None) -> Iterator[Piece]:
    parts = _paced(answer, request.include_usage, step)
    if fault:
        merged = bool(answer.deltas) and isinstance(answer.deltas[0], CallBegins)
        parts = disturb(parts, fault, answer, len(answer.deltas) - merged)
    for part in parts:
        yield wire.event_bytes(part.document()) if isinstance(part, Chunk) else part


def _paced(answer: Answer, include_usage: bool, step: ChatStep) -> Iterator[Part]:
    """The stream as it should be, with the pauses of the asked pace."""
    between = 1 / step.tokens_per_second if step.tokens_per_second else 0
    begun = False
    for chunk in chunks_of(answer, include_usage):
        if chunk.phase is Phase.ROLE and step.first_token_after:
            yield Pause(step.first_token_after)
        if chunk.phase is Phase.DELTA:
            if between and begun:
                yield Pause(between)
            begun = True
        yield chunk
    yield wire.DONE


def _whole(answer: Answer, step: ChatStep, fault: faults.StreamFault | None) -> Reply:
    """The unstreamed reply. It takes as long as the stream would have, and faults of a stream have their likeness."""
    delay = step.first_token_after
    if step.tokens_per_second:
        delay += max(0, len(answer.deltas) - 1) / step.tokens_per_second
    headers = wire.azure_headers(wire.JSON)
    match fault:
        case faults.ErrorEvent():
            return whole(wire.json_bytes(SERVER_ERROR), headers, delay=delay)
        case faults.Stall(seconds=seconds):
            delay += seconds
    body = wire.json_bytes(_document(answer, fault))
    half = body[: len(body) // 2]
    match fault:
        case faults.Cut():
            return Reply([half, CUT], {**headers, "content-length": str(len(body))}, delay=delay)
        case faults.End() | faults.Malformed():
            return whole(half, headers, delay=delay)
    return whole(body, headers, delay=delay)


def _document(answer: Answer, fault: faults.StreamFault | None) -> dict[str, object]:
    blocked = isinstance(fault, faults.AnswerFilter) or (isinstance(fault, faults.AsyncFilter) and fault.block)
    choice: dict[str, object] = {"content_filter_results": filters.ANSWER_BLOCKED if blocked else filters.ANSWER_SAFE}
    if isinstance(fault, faults.FilterDown):
        choice = {"content_filter_result": filters.FILTER_DOWN}
    choice |= {
        "finish_reason": "content_filter" if blocked else answer.finish,
        "index": 0,
        "logprobs": None,
        "message": _message(answer, blocked),
    }
    return {
        "choices": [choice],
        "created": answer.created,
        "id": answer.id,
        "model": answer.model,
        "object": "chat.completion",
        "prompt_filter_results": filters.PROMPT_RESULTS,
        "system_fingerprint": FINGERPRINT,
        "usage": usage(answer),
    }


def _message(answer: Answer, blocked: bool) -> dict[str, object]:
    calls = [delta for delta in answer.deltas if isinstance(delta, CallBegins)]
    # A tool call comes without text, and a blocked answer keeps none.
    content = None if blocked or (calls and not answer.text) else answer.text
    message: dict[str, object] = {"content": content}
    if answer.reasoning:
        message["reasoning_content"] = answer.reasoning
    message |= {"refusal": None, "role": "assistant"}
    if calls and not blocked:
        message["tool_calls"] = [_call(answer, call) for call in calls]
    return message


def _call(answer: Answer, call: CallBegins) -> dict[str, object]:
    fragments = (
        delta.fragment for delta in answer.deltas if isinstance(delta, CallArguments) and delta.index == call.index
    )
    function = {"arguments": "".join(fragments), "name": call.name}
    return {"function": function, "id": call.id, "type": "function"}
