"""A chat call: Azure's checks, then the answer, streamed or whole."""

from itertools import chain

from ..gateway import errors, wire
from ..gateway.call import Call
from ..gateway.reply import Reply
from .chunks import Chunk, count_deltas, stream_chunks
from .completion import completion
from .dialects.reply import dialect_of, reply_in
from .mocked_chunk import mocked_events
from .request import ChatRequest, read_chat
from .serving import Served, recorded_reply, serve
from .stream import paced_parts
from .stream_faults import faulty_completion, inject_fault


def handle_chat(call: Call) -> Reply:
    """The reply to a call that has passed the gateway; AzureError where Azure refuses the request."""
    if reply := recorded_reply(call):
        return reply
    if dialect := dialect_of(call):
        return reply_in(dialect, call)
    request = read_chat(call)
    served = serve(request)
    if isinstance(served, Reply):
        return served
    if request.stream:
        return _streamed(request, served)
    if served.fault:
        return faulty_completion(served.fault, served.answer, served.delay)
    return Reply.json(completion(served.answer), delay=served.delay)


def _streamed(request: ChatRequest, served: Served) -> Reply:
    parts = paced_parts(stream_chunks(served.answer, request.include_usage), served.step)
    if served.fault:
        parts = inject_fault(
            served.fault, parts, served.answer, count_deltas(served.answer), errors.SERVER_ERROR_DOCUMENT
        )
    pieces = (wire.event_bytes(part.document()) if isinstance(part, Chunk) else part for part in parts)
    return Reply(chain(mocked_events(served.step, request.call), pieces), wire.azure_headers(wire.EVENT_STREAM))
