"""A call for a response: OpenAI's checks, then the answer, streamed or whole."""

from collections.abc import Iterator
from itertools import chain

from ..chat.mocked_chunk import mocked_events
from ..chat.serving import Served, recorded_reply, serve
from ..gateway import wire
from ..gateway.call import Call
from ..gateway.reply import Piece, Reply
from .document import Document, ended, response_document, whole_output
from .events import Event, Part, paced, response_events
from .faults import faulty_answer, faulty_response, inject_fault
from .request import ResponseRequest, read_request
from .store import ResponseStore


def handle_response(call: Call, store: ResponseStore) -> Reply:
    """The reply to a call that has passed the gateway; AzureError where OpenAI refuses the request."""
    if reply := recorded_reply(call):
        return reply
    request = read_request(call, store)
    served = serve(request.chat)
    if isinstance(served, Reply):
        return served
    if request.chat.stream:
        pieces = chain(mocked_events(served.step, call), _sent(_parts(request, served), request, store))
        return Reply(pieces, wire.azure_headers(wire.EVENT_STREAM))
    answer = faulty_answer(served.fault, served.answer)
    begun, output = response_document(request, answer), whole_output(request, answer)
    if served.fault:
        return faulty_response(served.fault, begun, answer, output, served.delay)
    whole = ended(begun, answer, output)
    _keep(whole, request, store)
    return Reply.json(whole, delay=served.delay)


def _parts(request: ResponseRequest, served: Served) -> Iterator[Part]:
    if served.fault:
        return inject_fault(served.fault, request, faulty_answer(served.fault, served.answer), served.step)
    return paced(response_events(request, served.answer), served.step)


def _sent(parts: Iterator[Part], request: ResponseRequest, store: ResponseStore) -> Iterator[Piece]:
    """The bytes of the parts. The response is stored as its last event is sent."""
    for part in parts:
        if not isinstance(part, Event):
            yield part
            continue
        response = part.fields.get("response")
        if part.final and isinstance(response, dict):
            _keep(response, request, store)
        if part.fields:
            yield part.encode()


def _keep(document: Document, request: ResponseRequest, store: ResponseStore) -> None:
    if request.store:
        store.add(document, request.given, request.history)
