"""A call for a response: OpenAI's checks, then the answer of a rule, or the default one."""

from collections.abc import Iterator

from msgspec.structs import replace

from ...mock.script import faults
from ...mock.script.rulebook import Rulebook
from ...mock.script.rules import ChatRule, ChatStep
from ..chat.answer import Answer, build_answer
from ..chat.defaults import default_step
from ..gateway import errors, wire
from ..gateway.call import Call
from ..gateway.error_faults import error_reply
from ..gateway.reply import Piece, Reply
from .document import Document, ended, output_items, response_document, status_of
from .events import Event, Part, paced, response_events
from .faults import faulty_answer, faulty_response, inject_fault
from .request import ResponseRequest, read_request
from .store import ResponseStore


def handle_response(call: Call, rulebook: Rulebook, store: ResponseStore) -> Reply:
    """The reply to a call that has passed the gateway; AzureError where OpenAI refuses the request."""
    request = read_request(call, store)
    conversation = request.chat.conversation
    rule = rulebook.serve(ChatRule, call.deployment.name, conversation.question.text)
    step = rule.step(conversation.step) if rule else ChatStep()
    fault = step.fault
    if isinstance(fault, faults.ContextLength):
        return Reply.of_error(errors.input_too_long())
    if isinstance(fault, faults.ErrorFault):
        if error := error_reply(fault, call):
            return error
        fault = None
    if step.is_default:
        default = default_step(request.chat)
        step = replace(step, text=default.text, tool_calls=default.tool_calls)
    answer = build_answer(request.chat, step)
    if fault:
        answer = faulty_answer(fault, answer)
    if request.chat.stream:
        return _streamed(request, step, answer, fault, store)
    return _whole(request, step, answer, fault, store)


def _streamed(
    request: ResponseRequest, step: ChatStep, answer: Answer, fault: faults.StreamFault | None, store: ResponseStore
) -> Reply:
    usual = paced(response_events(request, answer), step)
    parts = inject_fault(fault, request, answer, step) if fault else usual
    return Reply(_sent(parts, request, store), wire.azure_headers(wire.EVENT_STREAM))


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


def _whole(
    request: ResponseRequest, step: ChatStep, answer: Answer, fault: faults.StreamFault | None, store: ResponseStore
) -> Reply:
    """The unstreamed reply. It takes as long as the stream would have."""
    delay = step.first_token_after
    if step.tokens_per_second:
        delay += max(0, len(answer.deltas) - 1) / step.tokens_per_second
    begun = response_document(request, answer)
    output = _output(request, answer)
    if fault:
        return faulty_response(fault, begun, answer, output, delay)
    whole = ended(begun, answer, output)
    _keep(whole, request, store)
    return Reply.of(wire.json_bytes(whole), wire.azure_headers(wire.JSON), delay=delay)


def _output(request: ResponseRequest, answer: Answer) -> list[Document]:
    output = []
    items = list(output_items(request, answer))
    for index, (item, deltas) in enumerate(items):
        item.add(deltas)
        output.append(item.document(status_of(answer) if index == len(items) - 1 else "completed"))
    return output


def _keep(document: Document, request: ResponseRequest, store: ResponseStore) -> None:
    if request.store:
        store.add(document, request.given, request.history)
