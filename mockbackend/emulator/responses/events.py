"""The events of a streamed response, in the documented order."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Protocol

import orjson

from ...mock.script.rules import ChatStep, Citation
from ...mock.store.holds import Gate
from ..chat.answer import Answer, CallStart, Delta, Reasoning
from ..gateway.reply import Pause, Piece
from .document import Document, Judged, OutputItem, ended, output_items, response_document, status_of
from .request import ResponseRequest


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `delta`: with it the next of the answer's deltas begins; `final`: it ends the response.

    One without fields is hidden: the model thinks, and nobody asked what.
    """

    fields: Document
    delta: bool = False
    final: bool = False

    def encode(self) -> bytes:
        return b"event: %b\ndata: %b\n\n" % (str(self.fields["type"]).encode(), orjson.dumps(self.fields))


Part = Event | Piece


class MakeEvent(Protocol):
    """Makes the next event."""

    def __call__(self, kind: str, fields: Document, *, delta: bool = False, final: bool = False) -> Event: ...


@dataclass(frozen=True, slots=True)
class _Names:
    """What the events between the beginning and the end of an item are called.

    `part` is the prefix of those around its one part, if it has parts, and `number` the key of that part's number;
    `words` is the prefix of those that bring its words, and `whole` the key of all words in the last of them.
    """

    words: str
    whole: str
    part: str | None = None
    number: str | None = None


TEXT = _Names("response.output_text", "text", "response.content_part", "content_index")
SUMMARY = _Names("response.reasoning_summary_text", "text", "response.reasoning_summary_part", "summary_index")
FUNCTION = _Names("response.function_call_arguments", "arguments")
CUSTOM = _Names("response.custom_tool_call_input", "input")


def response_events(request: ResponseRequest, answer: Answer, judged: Judged = "whole") -> Iterator[Event]:
    """All events, without a pause."""
    begun = response_document(request, answer)
    numbers = count()

    def event(kind: str, fields: Document, *, delta: bool = False, final: bool = False) -> Event:
        return Event({"type": kind, "sequence_number": next(numbers), **fields}, delta, final)

    yield event("response.created", {"response": begun})
    yield event("response.in_progress", {"response": begun})
    output: list[Document] = []
    items = list(output_items(request, answer))
    for index, (item, deltas) in enumerate(items):
        status = status_of(answer) if index == len(items) - 1 else "completed"
        yield from _item_events(item, deltas, index, status, request.summary, event)
        output.append(item.document(status))
    whole = ended(begun, answer, output, judged)
    yield event(f"response.{whole['status']}", {"response": whole}, final=True)


def _item_events(
    item: OutputItem, deltas: tuple[Delta, ...], index: int, status: str, shown: bool, event: MakeEvent
) -> Iterator[Event]:
    names = _names(item, shown and bool(deltas))
    place: Document = {"item_id": item.id, "output_index": index}
    added = {"output_index": index, "item": item.document("in_progress")}
    yield event("response.output_item.added", added, delta=bool(deltas))
    if names is not None and names.number is not None:
        place[names.number] = 0
        yield event(f"{names.part}.added", {**place, "part": item.part()})
    for number, delta in enumerate(deltas):
        if isinstance(delta, CallStart):
            continue
        item.add([delta])
        if isinstance(delta, Citation):
            annotation = {"annotation_index": len(item.annotations) - 1, "annotation": item.annotations[-1]}
            yield event(f"{TEXT.words}.annotation.added", {**place, **annotation}, delta=True)
            continue
        word = item.words[-1]
        if names is None:
            if number:
                yield Event({}, delta=True)
            continue
        logprobs = {"logprobs": item.logprobs([word])} if names is TEXT else {}
        # The first delta has begun with its item.
        yield event(f"{names.words}.delta", {**place, "delta": word, **logprobs}, delta=number > 0)
    if names is not None:
        logprobs = {"logprobs": item.logprobs(item.words)} if names is TEXT else {}
        named = {"name": item.start.name} if item.start is not None and names is FUNCTION else {}
        yield event(f"{names.words}.done", {**place, names.whole: item.text, **named, **logprobs})
        if names.number is not None:
            yield event(f"{names.part}.done", {**place, "part": item.part()})
    yield event("response.output_item.done", {"output_index": index, "item": item.document(status)})


def _names(item: OutputItem, shown: bool) -> _Names | None:
    """The names of an item's events; None for reasoning of which nothing is shown."""
    if item.start is not None:
        return CUSTOM if item.start.custom else FUNCTION
    if item.kind is Reasoning:
        return SUMMARY if shown else None
    return TEXT


def paced(events: Iterator[Event], step: ChatStep) -> Iterator[Part]:
    """The events, at the pace that a step asks for."""
    between = 1 / step.tokens_per_second if step.tokens_per_second else 0
    begun = False
    gate = Gate(step.hold)
    for event in events:
        if event.final and gate.left:
            # At the latest before the end, where there are fewer deltas.
            gate.left = 0
        if event.delta or event.final:
            while gate.is_closed:
                yield gate
            gate.passed()
        if event.delta:
            pause = between if begun else step.first_token_after
            if pause:
                yield Pause(pause)
            begun = True
        yield event
