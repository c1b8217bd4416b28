"""A chat call: Azure's checks, then the answer of a rule, or the default one."""

from msgspec.structs import replace

from ...mock.script import faults
from ...mock.script.rulebook import Rulebook
from ...mock.script.rules import ChatRule, ChatStep
from ..gateway import wire
from ..gateway.call import Call
from ..gateway.error_faults import error_reply
from ..gateway.reply import Reply
from .answer import Answer, build_answer
from .chunks import Chunk
from .completion import completion
from .defaults import default_step
from .request import ChatRequest, read_chat
from .stream import paced_parts
from .stream_faults import faulty_completion, inject_fault


def handle_chat(call: Call, rulebook: Rulebook) -> Reply:
    """The reply to a call that has passed the gateway; AzureError where Azure refuses the request."""
    request = read_chat(call)
    conversation = request.conversation
    rule = rulebook.serve(ChatRule, call.deployment.name, conversation.question.text)
    step = rule.step(conversation.step) if rule else ChatStep()
    fault = step.fault
    if isinstance(fault, faults.ErrorFault):
        if error := error_reply(fault, call):
            return error
        fault = None
    if step.is_default:
        default = default_step(request)
        step = replace(step, text=default.text, tool_calls=default.tool_calls)
    answer = build_answer(request, step)
    return _streamed(request, step, answer, fault) if request.stream else _whole(step, answer, fault)


def _streamed(request: ChatRequest, step: ChatStep, answer: Answer, fault: faults.StreamFault | None) -> Reply:
    parts = paced_parts(answer, request.include_usage, step)
    if fault:
        parts = inject_fault(fault, parts, answer)
    pieces = (wire.event_bytes(part.document()) if isinstance(part, Chunk) else part for part in parts)
    return Reply(pieces, wire.azure_headers(wire.EVENT_STREAM))


def _whole(step: ChatStep, answer: Answer, fault: faults.StreamFault | None) -> Reply:
    """The unstreamed reply. It takes as long as the stream would have."""
    delay = step.first_token_after
    if step.tokens_per_second:
        delay += max(0, len(answer.deltas) - 1) / step.tokens_per_second
    if fault:
        return faulty_completion(fault, answer, delay)
    return Reply.of(wire.json_bytes(completion(answer)), wire.azure_headers(wire.JSON), delay=delay)
