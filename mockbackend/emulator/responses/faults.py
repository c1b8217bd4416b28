"""Faults in the middle of a response, streamed and not."""

from collections.abc import Iterator
from dataclasses import replace

from ...mock.script import faults
from ...mock.script.rules import ChatStep
from ..chat.answer import Answer
from ..chat.breakages import broken_document, broken_stream
from ..gateway.errors import SERVER_ERROR
from ..gateway.reply import Reply
from .document import Document, Judged, ended, failed
from .events import Event, Part, paced, response_events
from .request import ResponseRequest

BROKEN = b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"bro\n\n'


def faulty_answer(fault: faults.StreamFault | None, answer: Answer) -> Answer:
    """The answer as the content filter leaves it; any other fault leaves it whole."""
    match fault:
        case faults.AnswerFilter(after):
            return replace(answer, deltas=answer.deltas[:after], finish="content_filter")
        case faults.AsyncFilter(block=True):
            return replace(answer, finish="content_filter")
    return answer


def inject_fault(fault: faults.StreamFault, request: ResponseRequest, answer: Answer, step: ChatStep) -> Iterator[Part]:
    """The stream of a faulty answer, with the fault in it."""
    parts = _Counted(paced(response_events(request, answer, _judged(fault)), step))
    match fault:
        case faults.AnswerFilter() | faults.AsyncFilter() | faults.FilterDown() | faults.EmptyChoices():
            yield from parts
        case faults.NoDone():
            yield from (part for part in parts if not (isinstance(part, Event) and part.final))
        case _:
            yield from parts.until(fault.after)
            yield from broken_stream(fault, parts, BROKEN, lambda: Event(_error_event(parts.events)))


def faulty_response(
    fault: faults.StreamFault, begun: Document, answer: Answer, output: list[Document], delay: float
) -> Reply:
    """The closest equivalent of the fault in a response that is not streamed."""
    whole = ended(begun, answer, output, _judged(fault))
    if isinstance(fault, faults.Breakage):
        return broken_document(fault, whole, failed(begun, SERVER_ERROR), delay)
    return Reply.json(whole, delay=delay)


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
