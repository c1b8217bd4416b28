"""Faults in the middle of a chat answer, streamed and not."""

from collections.abc import Iterable, Iterator, Mapping

from ...mock.script import faults
from ..gateway import content_filter, wire
from ..gateway.errors import SERVER_ERROR_DOCUMENT
from ..gateway.reply import Reply
from .answer import Answer
from .breakages import broken_document, broken_stream
from .chunks import Chunk, Phase, blocked_finish, late_verdict
from .completion import completion
from .stream import Part

BROKEN = b'data: {"choices":[{"content_filter_results":{},"delta":{"content":"bro\n\n'


def inject_fault(
    fault: faults.StreamFault, parts: Iterator[Part], answer: Answer, deltas: int, failed: Mapping[str, object]
) -> Iterator[Part]:
    """The stream of an answer with the fault in it. `failed` is the event of a model that fails."""
    if isinstance(fault, faults.AfterDeltas):
        yield from _until_delta(parts, min(fault.after, deltas))
    match fault:
        case faults.AnswerFilter():
            yield from _blocked(parts, answer)
        case faults.AsyncFilter(block):
            yield from _filtered_late(parts, len(answer.text), block)
        case faults.EmptyChoices(count):
            yield from _without_choices_first(parts, count)
        case faults.FilterDown():
            yield from map(_without_filter, parts)
        case faults.NoDone():
            yield from (part for part in parts if part != wire.DONE)
        case _:
            yield from broken_stream(fault, parts, BROKEN, lambda: wire.event_bytes(failed))


def faulty_completion(fault: faults.StreamFault, answer: Answer, delay: float) -> Reply:
    """The closest equivalent of the fault in an answer that is not streamed."""
    match fault:
        case faults.AnswerFilter() | faults.AsyncFilter(block=True):
            return Reply.json(completion(answer, blocked=True), delay=delay)
        case faults.FilterDown():
            return Reply.json(completion(answer, filter_down=True), delay=delay)
        case faults.AsyncFilter() | faults.NoDone() | faults.EmptyChoices():
            return Reply.json(completion(answer), delay=delay)
        case _:
            return broken_document(fault, completion(answer), SERVER_ERROR_DOCUMENT, delay)


def _until_delta(parts: Iterator[Part], after: int) -> Iterator[Part]:
    """The stream up to the delta of that number, without the pause that follows it."""
    seen = -1
    for part in parts:
        yield part
        if isinstance(part, Chunk) and part.phase in (Phase.ROLE, Phase.DELTA):
            seen += 1
            if seen == after:
                return


def _blocked(parts: Iterable[Part], answer: Answer) -> Iterator[Part]:
    """The filter's finish in place of the rest."""
    for part in parts:
        if isinstance(part, Chunk) and part.phase is Phase.FINISH:
            yield blocked_finish(answer)
        elif part == wire.DONE or (isinstance(part, Chunk) and part.phase is Phase.USAGE):
            yield part


def _without_choices_first(parts: Iterable[Part], count: int) -> Iterator[Part]:
    """The stream with its first chunk, which has no choice, `count` times."""
    for part in parts:
        is_first = isinstance(part, Chunk) and part.phase is Phase.PROMPT
        yield from [part] * (count if is_first else 1)


def _filtered_late(parts: Iterable[Part], length: int, block: bool) -> Iterator[Part]:
    """Move the verdicts from beside the text: one halfway, the last after the finish. Counts characters."""
    judged = sent = 0
    for part in parts:
        if not isinstance(part, Chunk) or part.choice is None:
            yield part
            continue
        yield Chunk(part.phase, _without_verdict(part.choice), part.others)
        if part.phase is Phase.OTHER_CHOICE:
            continue
        match part.choice:
            case {"delta": {"content": str(text)}}:
                sent += len(text)
        if not judged and sent > length // 2:
            judged = sent
            yield late_verdict(0, judged, blocked=False)
        if part.phase is Phase.FINISH:
            yield late_verdict(judged, length, blocked=block)


def _without_filter(part: Part) -> Part:
    """An error in place of the verdict."""
    if not isinstance(part, Chunk) or part.choice is None or part.phase is not Phase.DELTA:
        return part
    choice = {"content_filter_result": content_filter.FILTER_DOWN, **_without_verdict(part.choice)}
    return Chunk(part.phase, choice, part.others)


def _without_verdict(choice: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in choice.items() if key != "content_filter_results"}
