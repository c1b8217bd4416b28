"""Faults in the middle of a response, streamed and not."""

from collections.abc import Iterator
from dataclasses import replace
from typing import assert_never

from ...mock.script import faults
from ...mock.script.rules import ChatStep
from ..chat.answer import Answer
from ..gateway import wire
from ..gateway.errors import SERVER_ERROR
from ..gateway.reply import CUT, Pause, Reply
from .document import Document, Judged, ended, failed
from .events import Event, Part, paced, response_events
from .request import ResponseRequest

BROKEN = b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"bro\n\n'


def faulty_answer(fault: faults.StreamFault, answer: Answer) -> Answer:
    """The answer as the content filter leaves it; any other fault leaves it whole."""
    match fault:
        case faults.AnswerFilter(after):
            return replace(answer, deltas=answer.deltas[:after], finish="content_filter")
        case faults.AsyncFilter(block=True):
            return replace(answer, finish="content_filter")
    return answer


def inject_fault(fault: faults.StreamFault, request: ResponseRequest, answer: Answer, step: ChatStep) -> Iterator[Part]:
    """The stream of an answer with the fault in it."""
    events = response_events(request, answer, _judged(fault))
    parts = counted = _Counted(paced(events, step))
    if isinstance(fault, faults.AfterDeltas) and not isinstance(fault, faults.AnswerFilter):
        yield from counted.until(fault.after)
    match fault:
        case faults.Cut():
            yield CUT
        case faults.End():
            return
        case faults.Malformed():
            yield BROKEN
            yield from parts
        case faults.ErrorEvent():
            yield Event(_error_event(counted.events))
        case faults.Stall(seconds=seconds):
            yield Pause(seconds)
            yield from parts
        case faults.NoDone():
            yield from (part for part in parts if not (isinstance(part, Event) and part.final))
        case faults.AnswerFilter() | faults.AsyncFilter() | faults.FilterDown():
            yield from parts
        case _:
            assert_never(fault)


def faulty_response(
    fault: faults.StreamFault, begun: Document, answer: Answer, output: list[Document], delay: float
) -> Reply:
    """The closest equivalent of the fault in a response that is not streamed."""
    headers = wire.azure_headers(wire.JSON)
    body = wire.json_bytes(ended(begun, answer, output, _judged(fault)))
    half = body[: len(body) // 2]
    match fault:
        case faults.Cut():
            return Reply([half, CUT], {**headers, "content-length": str(len(body))}, delay=delay)
        case faults.End() | faults.Malformed():
            body = half
        case faults.ErrorEvent():
            body = wire.json_bytes(failed(begun, SERVER_ERROR))
        case faults.Stall(seconds=seconds):
            delay += seconds
        case faults.AnswerFilter() | faults.AsyncFilter() | faults.FilterDown() | faults.NoDone():
            pass
        case _:
            assert_never(fault)
    return Reply.of(body, headers, delay=delay)


def _judged(fault: faults.StreamFault) -> Judged:
    match fault:
        case faults.FilterDown():
            return "not"
        case faults.AsyncFilter():
            return "late"
    return "whole"


class _Counted(Iterator[Part]):
    """Parts of a stream, of which those before a delta can be taken first; `events` are those taken so far."""

    def __init__(self, parts: Iterator[Part]) -> None:
        self.events = 0
        self._parts = parts
        self._ahead: list[Part] = []

    def __next__(self) -> Part:
        return self._ahead.pop(0) if self._ahead else next(self._parts)

    def until(self, after: int) -> Iterator[Part]:
        """The stream through the delta of that number, without the pause that follows it."""
        seen = 0
        for part in self._parts:
            begins = isinstance(part, Event) and part.delta
            ends = isinstance(part, Event) and part.final
            if (begins and seen == after) or ends:
                self._ahead.append(part)
                return
            seen += begins
            self.events += isinstance(part, Event) and bool(part.fields)
            yield part


def _error_event(number: int) -> Document:
    """An error, as it is documented and, below `error`, as it has been seen."""
    error: Document = {"code": "server_error", "message": SERVER_ERROR, "param": None}
    return {"type": "error", "sequence_number": number, **error, "error": {"type": "server_error", **error}}
