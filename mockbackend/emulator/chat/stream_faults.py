"""The faults in the middle of a chat stream: each takes the stream as it should be and spoils it."""

from collections.abc import Iterable, Iterator
from typing import assert_never

from ..gateway import content_filter as filters
from ..gateway import wire
from ..gateway.reply import CUT, Pause, Piece
from ..script import faults
from .answer import Answer
from .chunks import Chunk, Phase, blocked_finish, late_verdict

Part = Chunk | Piece

BROKEN = b'data: {"choices":[{"content_filter_results":{},"delta":{"content":"bro\n\n'
SERVER_ERROR: dict[str, object] = {
    "error": {
        "message": "The server had an error while processing your request. Sorry about that!",
        "type": "server_error",
        "param": None,
        "code": None,
    }
}


def disturb(parts: Iterator[Part], fault: faults.StreamFault, answer: Answer, deltas: int) -> Iterator[Part]:
    """The same stream with the fault in it. `deltas` is how many delta chunks it has."""
    if isinstance(fault, faults.AfterDeltas):
        yield from _lead(parts, min(fault.after, deltas))
    match fault:
        case faults.Cut():
            yield CUT
        case faults.End():
            return
        case faults.Malformed():
            yield BROKEN
            yield from parts
        case faults.ErrorEvent():
            yield wire.event_bytes(SERVER_ERROR)
        case faults.Stall(seconds=seconds):
            yield Pause(seconds)
            yield from parts
        case faults.AnswerFilter():
            yield from _blocked(parts, answer)
        case faults.AsyncFilter(block):
            yield from _judged_late(parts, len(answer.text), block)
        case faults.FilterDown():
            yield from map(_unfiltered, parts)
        case faults.NoDone():
            yield from (part for part in parts if part != wire.DONE)
        case _:
            assert_never(fault)


def _lead(parts: Iterator[Part], after: int) -> Iterator[Part]:
    """The stream up to the delta of that number, and not a pause further."""
    seen = -1
    for part in parts:
        yield part
        if isinstance(part, Chunk) and part.phase in (Phase.ROLE, Phase.DELTA):
            seen += 1
            if seen == after:
                return


def _blocked(parts: Iterable[Part], answer: Answer) -> Iterator[Part]:
    for part in parts:
        if isinstance(part, Chunk) and part.phase is Phase.FINISH:
            yield blocked_finish(answer)
        elif part == wire.DONE or (isinstance(part, Chunk) and part.phase is Phase.USAGE):
            yield part


def _judged_late(parts: Iterable[Part], length: int, block: bool) -> Iterator[Part]:
    """No verdict beside the text; one halfway, the last after the finish. Counts characters."""
    judged = sent = 0
    for part in parts:
        if not isinstance(part, Chunk) or part.choice is None:
            yield part
            continue
        yield Chunk(part.phase, _without_verdict(part.choice), part.others)
        match part.choice:
            case {"delta": {"content": str(text)}}:
                sent += len(text)
        if not judged and sent > length // 2:
            judged = sent
            yield late_verdict(0, judged, blocked=False)
        if part.phase is Phase.FINISH:
            yield late_verdict(judged, length, blocked=block)


def _unfiltered(part: Part) -> Part:
    if not isinstance(part, Chunk) or part.choice is None or part.phase is not Phase.DELTA:
        return part
    return Chunk(
        part.phase, {"content_filter_result": filters.FILTER_DOWN, **_without_verdict(part.choice)}, part.others
    )


def _without_verdict(choice: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in choice.items() if key != "content_filter_results"}
