"""The chunks of a chat stream, key by key as Azure sends them. Azure sorts its keys, so these are written sorted."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from ...mock.script.rules import Citation
from ..gateway import content_filter
from .answer import Answer, CallArguments, CallStart, Delta, Reasoning, Text

FINGERPRINT = "fp_6b1fe4e4d6"
# A chunk of the content filter belongs to no answer, so its keys are empty.
FILTER_HEADER: dict[str, object] = {"created": 0, "id": "", "model": "", "object": ""}


class Phase(Enum):
    PROMPT = "prompt filter"
    ROLE = "role"
    DELTA = "delta"
    FINISH = "finish"
    USAGE = "usage"
    FILTER = "late filter verdict"
    OTHER_CHOICE = "the same of another choice"


@dataclass(frozen=True, slots=True)
class Chunk:
    """One event of the stream and what it is for: its one choice, if any, and the other keys."""

    phase: Phase
    choice: dict[str, object] | None
    others: dict[str, object]

    def document(self) -> dict[str, object]:
        return {"choices": [] if self.choice is None else [self.choice], **self.others}


def stream_chunks(answer: Answer, include_usage: bool) -> Iterator[Chunk]:
    """The chunks of the whole stream, in order, without [DONE]; with several choices, those take turns."""
    return every_choice(_one_choice(answer, include_usage), answer.choices)


def every_choice(chunks: Iterable[Chunk], choices: int) -> Iterator[Chunk]:
    """The chunks of one choice, and those of the others, which are like it."""
    for chunk in chunks:
        yield chunk
        if chunk.choice is not None:
            for index in range(1, choices):
                yield Chunk(Phase.OTHER_CHOICE, {**chunk.choice, "index": index}, chunk.others)


def _one_choice(answer: Answer, include_usage: bool) -> Iterator[Chunk]:
    yield Chunk(Phase.PROMPT, None, {**FILTER_HEADER, "prompt_filter_results": content_filter.PROMPT_RESULTS})
    opening = _delta_document(answer.deltas[0]) if _starts_with_call(answer) else {}
    role = {"content": None, "role": "assistant"} if opening else {"content": "", "refusal": None, "role": "assistant"}
    yield _chunk(Phase.ROLE, answer, {}, {**role, **opening})
    for delta in answer.deltas[1:] if opening else answer.deltas:
        verdict = content_filter.ANSWER_SAFE if isinstance(delta, Text) else {}
        logprobs = logprobs_document([delta.text], answer.logprobs) if isinstance(delta, Text) else None
        yield _chunk(Phase.DELTA, answer, verdict, _delta_document(delta), logprobs=logprobs)
    yield _chunk(Phase.FINISH, answer, {}, {}, answer.finish)
    if include_usage:
        yield Chunk(Phase.USAGE, None, _header(answer) | {"usage": usage_document(answer)})


def count_deltas(answer: Answer) -> int:
    """How many chunks of the stream are deltas."""
    return len(answer.deltas) - _starts_with_call(answer)


def late_verdict(start: int, end: int, blocked: bool) -> Chunk:
    """The asynchronous filter's verdict on a range of the answer's characters; it has no delta."""
    choice: dict[str, object] = {
        "content_filter_offsets": {"check_offset": start, "start_offset": start, "end_offset": end},
        "content_filter_results": content_filter.ANSWER_BLOCKED if blocked else content_filter.ANSWER_SAFE,
        "finish_reason": "content_filter" if blocked else None,
        "index": 0,
    }
    return Chunk(Phase.FILTER, choice, FILTER_HEADER)


def blocked_finish(answer: Answer) -> Chunk:
    """The finish of an answer that the filter cuts off."""
    return _chunk(Phase.FINISH, answer, content_filter.ANSWER_BLOCKED, {}, "content_filter")


def usage_document(answer: Answer) -> dict[str, object]:
    usage = answer.usage
    return {
        "completion_tokens": usage.completion,
        "completion_tokens_details": {
            "accepted_prediction_tokens": 0,
            "audio_tokens": 0,
            "reasoning_tokens": usage.reasoning,
            "rejected_prediction_tokens": 0,
        },
        "prompt_tokens": usage.prompt,
        "prompt_tokens_details": {"audio_tokens": 0, "cached_tokens": 0},
        "total_tokens": usage.prompt + usage.completion,
    }


def citation_document(cited: Citation) -> dict[str, object]:
    """An annotation of a message; the emulator's words name no place for it, so it stands for none."""
    where = {"end_index": 0, "start_index": 0, "title": cited.title, "url": cited.url}
    return {"type": "url_citation", "url_citation": where}


def _starts_with_call(answer: Answer) -> bool:
    """Whether a tool call comes first: it then begins in the chunk that names the role."""
    return bool(answer.deltas) and isinstance(answer.deltas[0], CallStart)


def logprobs_document(words: Iterable[str], top: int | None) -> dict[str, object] | None:
    """The log probabilities of these tokens, of which each is certain; None if nobody asked."""
    if top is None:
        return None
    entries: list[dict[str, object]] = [
        {"bytes": list(word.encode(errors="replace")), "logprob": 0.0, "token": word} for word in words
    ]
    return {"content": [{**entry, "top_logprobs": [entry] if top else []} for entry in entries], "refusal": None}


def _chunk(
    phase: Phase,
    answer: Answer,
    verdict: dict[str, object],
    delta: dict[str, object],
    finish: str | None = None,
    logprobs: dict[str, object] | None = None,
) -> Chunk:
    choice: dict[str, object] = {
        "content_filter_results": verdict,
        "delta": delta,
        "finish_reason": finish,
        "index": 0,
        "logprobs": logprobs,
    }
    return Chunk(phase, choice, _header(answer))


def _header(answer: Answer) -> dict[str, object]:
    return {
        "created": answer.created,
        "id": answer.id,
        "model": answer.model,
        "object": "chat.completion.chunk",
        "system_fingerprint": FINGERPRINT,
    }


def _delta_document(delta: Delta) -> dict[str, object]:
    match delta:
        case Text(text):
            return {"content": text}
        case Reasoning(text):
            return {"reasoning_content": text}
        case Citation():
            return {"annotations": [citation_document(delta)]}
        case CallStart(index, call_id, name, custom=True):
            named = {"input": "", "name": name}
            return {"tool_calls": [{"custom": named, "id": call_id, "index": index, "type": "custom"}]}
        case CallStart(index, call_id, name):
            function = {"arguments": "", "name": name}
            return {"tool_calls": [{"function": function, "id": call_id, "index": index, "type": "function"}]}
        case CallArguments(index, fragment, custom=True):
            return {"tool_calls": [{"custom": {"input": fragment}, "index": index}]}
        case CallArguments(index, fragment):
            return {"tool_calls": [{"function": {"arguments": fragment}, "index": index}]}
        case _:
            assert_never(delta)
