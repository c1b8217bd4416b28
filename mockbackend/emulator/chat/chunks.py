"""The chunks of a chat stream, key by key as Azure sends them. Azure sorts its keys, so these are written sorted."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from ..gateway import content_filter as filters
from .answer import Answer, CallArguments, CallBegins, Delta, Reasoning, Text

FINGERPRINT = "fp_6b1fe4e4d6"
# What the filter says by itself belongs to no answer.
NOBODY: dict[str, object] = {"created": 0, "id": "", "model": "", "object": ""}


class Phase(Enum):
    PROMPT = "prompt filter"
    ROLE = "role"
    DELTA = "delta"
    FINISH = "finish"
    USAGE = "usage"
    FILTER = "late filter verdict"


@dataclass(frozen=True, slots=True)
class Chunk:
    """One event of the stream and what it is for: its one choice, if any, and the other keys."""

    phase: Phase
    choice: dict[str, object] | None
    others: dict[str, object]

    def document(self) -> dict[str, object]:
        return {"choices": [] if self.choice is None else [self.choice], **self.others}


def chunks_of(answer: Answer, include_usage: bool) -> Iterator[Chunk]:
    """The whole stream in its order, [DONE] left out."""
    yield Chunk(Phase.PROMPT, None, {**NOBODY, "prompt_filter_results": filters.PROMPT_RESULTS})
    first = answer.deltas[0] if answer.deltas else None
    # Where a tool call comes first, it begins in the chunk that names the role.
    opening = _shape(first) if isinstance(first, CallBegins) else {}
    role = {"content": None, "role": "assistant"} if opening else {"content": "", "refusal": None, "role": "assistant"}
    yield _chunk(Phase.ROLE, answer, {}, {**role, **opening})
    for delta in answer.deltas[1:] if opening else answer.deltas:
        judged = filters.ANSWER_SAFE if isinstance(delta, Text) else {}
        yield _chunk(Phase.DELTA, answer, judged, _shape(delta))
    yield _chunk(Phase.FINISH, answer, {}, {}, answer.finish)
    if include_usage:
        yield Chunk(Phase.USAGE, None, _source(answer) | {"usage": usage(answer)})


def late_verdict(start: int, end: int, blocked: bool) -> Chunk:
    """The asynchronous filter's word on so many characters of the answer; it has no delta."""
    choice: dict[str, object] = {
        "content_filter_offsets": {"check_offset": start, "start_offset": start, "end_offset": end},
        "content_filter_results": filters.ANSWER_BLOCKED if blocked else filters.ANSWER_SAFE,
        "finish_reason": "content_filter" if blocked else None,
        "index": 0,
    }
    return Chunk(Phase.FILTER, choice, NOBODY)


def blocked_finish(answer: Answer) -> Chunk:
    """The end that the filter makes."""
    return _chunk(Phase.FINISH, answer, filters.ANSWER_BLOCKED, {}, "content_filter")


def usage(answer: Answer) -> dict[str, object]:
    cost = answer.cost
    return {
        "completion_tokens": cost.completion,
        "completion_tokens_details": {
            "accepted_prediction_tokens": 0,
            "audio_tokens": 0,
            "reasoning_tokens": cost.reasoning,
            "rejected_prediction_tokens": 0,
        },
        "prompt_tokens": cost.prompt,
        "prompt_tokens_details": {"audio_tokens": 0, "cached_tokens": 0},
        "total_tokens": cost.prompt + cost.completion,
    }


def _chunk(
    phase: Phase, answer: Answer, judged: dict[str, object], delta: dict[str, object], finish: str | None = None
) -> Chunk:
    choice: dict[str, object] = {
        "content_filter_results": judged,
        "delta": delta,
        "finish_reason": finish,
        "index": 0,
        "logprobs": None,
    }
    return Chunk(phase, choice, _source(answer))


def _source(answer: Answer) -> dict[str, object]:
    return {
        "created": answer.created,
        "id": answer.id,
        "model": answer.model,
        "object": "chat.completion.chunk",
        "system_fingerprint": FINGERPRINT,
    }


def _shape(delta: Delta) -> dict[str, object]:
    match delta:
        case Text(text):
            return {"content": text}
        case Reasoning(text):
            return {"reasoning_content": text}
        case CallBegins(index, call_id, name):
            function = {"arguments": "", "name": name}
            return {"tool_calls": [{"function": function, "id": call_id, "index": index, "type": "function"}]}
        case CallArguments(index, fragment):
            return {"tool_calls": [{"function": {"arguments": fragment}, "index": index}]}
