"""A chat call, answered in the dialect of the rule that serves it, or of the script."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain

from ....mock.script import faults
from ....mock.script.rules import ChatRule, DialectName
from ...gateway import wire
from ...gateway.call import Call
from ...gateway.errors import SERVER_ERROR_DOCUMENT, AzureError
from ...gateway.reply import Piece, Reply
from ..breakages import broken_document
from ..chunks import Chunk, Phase, every_choice
from ..conversation import Conversation, Message, read_conversation
from ..mocked_chunk import mocked_events
from ..request import ChatRequest, read_chat
from ..serving import Served, facts_of, serve
from ..stream import Part, paced_parts
from ..stream_faults import inject_fault
from .dialect import Dialect, EngineError, without_thinking
from .mistral import MISTRAL
from .vllm import VLLM

DIALECTS: Mapping[DialectName, Dialect] = {"mistral": MISTRAL, "vllm": VLLM}
FILTER_FAULTS = (faults.AnswerFilter, faults.AsyncFilter, faults.FilterDown, faults.EmptyChoices)
GATEWAYS = wire.azure_headers("").keys() - {"content-type"}


def dialect_of(call: Call) -> Dialect | None:
    """The dialect that a call is answered in; None for Azure."""
    scenario = call.mocked.store.scenarios.open(call.mocked.scenario)
    name = scenario.script.dialect
    if any(isinstance(rule, ChatRule) and rule.dialect for rule in scenario.rules):
        # Before it is chosen, since what the engine refuses uses no rule up.
        serving = call.mocked.upcoming(ChatRule, facts_of(call, _conversation(call.body)))
        name = serving.rule.dialect if serving and serving.rule.dialect else name
    return DIALECTS[name] if name else None


def _conversation(body: Mapping[str, object]) -> Conversation:
    """What rules look at, also in a history that is refused: then its last question."""
    messages = without_thinking(body).get("messages")
    try:
        return read_conversation(messages)
    except AzureError:
        listed = messages if isinstance(messages, list) else []
        said = [message for message in listed if isinstance(message, dict) and message.get("role") == "user"]
        questions = (Message("user", str(message.get("content"))) for message in said)
        return Conversation(tuple(questions) or (Message("user", ""),))


def reply_in(dialect: Dialect, call: Call) -> Reply:
    """The reply of that engine, without the headers of Azure's gateway."""
    try:
        reply = _reply(dialect, call)
    except EngineError as error:
        reply = Reply.of_error(error)
    except AzureError as error:
        reply = Reply.of_error(error if _is_of_emulator(error) else dialect.error(error))
    return replace(reply, headers={name: value for name, value in reply.headers.items() if name not in GATEWAYS})


def _is_of_emulator(error: AzureError) -> bool:
    """Whether the emulator speaks of its script."""
    match error.body:
        case {"error": {"code": "no_rule"}}:
            return True
    return False


def _reply(dialect: Dialect, call: Call) -> Reply:
    request = read_chat(replace(call, body=dialect.read(call.body)), azures=False)
    dialect.check(request)
    served = serve(request, dialect.names)
    if isinstance(served, Reply):
        return served
    # The content filter is Azure's: its faults leave the answer whole.
    fault = None if isinstance(served.fault, FILTER_FAULTS) else served.fault
    failed = dialect.error(AzureError(500, SERVER_ERROR_DOCUMENT)).body
    if request.stream:
        pieces = chain(mocked_events(served.step, call), _pieces(dialect, request, served, fault, failed))
        return Reply(pieces, {"content-type": wire.EVENT_STREAM})
    document = dialect.completion(served.answer)
    if fault is None or isinstance(fault, faults.NoDone):
        return Reply.json(document, delay=served.delay)
    return broken_document(fault, document, dict(failed), served.delay)


def _pieces(
    dialect: Dialect,
    request: ChatRequest,
    served: Served,
    fault: faults.NoDone | faults.Breakage | None,
    failed: Mapping[str, object],
) -> Iterator[Piece]:
    chunks = list(every_choice(dialect.chunks(served.answer, request.include_usage), served.answer.choices))
    parts: Iterator[Part] = paced_parts(chunks, served.step)
    if fault:
        deltas = sum(chunk.phase is Phase.DELTA for chunk in chunks)
        parts = inject_fault(fault, parts, served.answer, deltas, failed)
    for part in parts:
        yield wire.event_bytes(part.document()) if isinstance(part, Chunk) else part
