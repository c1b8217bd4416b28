"""What assistant-ui reads otherwise than the clients whose framings it shares.

Follows `DataStreamDecoder` of the npm package assistant-stream 0.3.57, and `LocalThreadRuntimeCore` of
@assistant-ui/core 0.3.20. The latter appends what comes of an answer that goes on to the parts that it has, without a
look at them. A result of a call that an earlier response brought ends the stream with an error; such a call that comes
again is a second part, at which the page breaks ("Duplicate key toolCallId-…"), and runs a tool of the page once more.

So nothing comes again of calls that the client has answered with a result or a no. One that its user has approved comes
again with its result, under an id of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import orjson

from ...events import ApprovalAsked, ApprovalGiven, Event, ToolCalled, ToolReturned
from ..data_stream.stream import frame
from ..links import Links
from ..ui_stream.stream import UIStream

# Ends the id of a call that comes again.
REPEATED = "#result"


class _Onward:
    """The events of an answer that goes on, as a client that has the calls of `earlier` can read them."""

    def __init__(self, earlier: Sequence[Event]) -> None:
        self._known = {event.call_id: event for event in earlier if isinstance(event, ToolCalled)}
        self._refused: set[str] = set()

    def readable(self, events: Iterable[Event]) -> Iterator[Event]:
        for event in events:
            match event:
                case ApprovalGiven(call_id, approved=False):
                    self._refused.add(call_id)
                case ToolReturned(call_id) if call := self._known.get(call_id):
                    if call_id not in self._refused:
                        repeated = call_id + REPEATED
                        yield replace(call, call_id=repeated)
                        yield replace(event, call_id=repeated)
                case _:
                    yield event


class AssistantUIDataStream:
    """One connection's lines: AI SDK 4's, and those that ask for approval. `earlier` is what its client has."""

    def __init__(self, links: Links, earlier: Sequence[Event] = ()) -> None:
        self._links = links
        self._onward = _Onward(earlier)

    def frame(self, events: Iterable[Event]) -> bytes:
        """The lines of these events."""
        return b"".join([self._line(event) for event in self._onward.readable(events)])

    def _line(self, event: Event) -> bytes:
        if isinstance(event, ApprovalAsked):
            asked = {"toolCallId": event.call_id, "approval": {"id": event.approval_id}}
            return b"aui-tool-call-approval:%b\n" % orjson.dumps(asked)
        return frame([event], self._links)


class AssistantUIMessageStream(UIStream):
    """One connection's frames of the UI message stream. `earlier` is what its client has."""

    def __init__(self, links: Links, earlier: Sequence[Event] = ()) -> None:
        super().__init__(links, earlier)
        self._onward = _Onward(earlier)

    def frame(self, events: Iterable[Event]) -> bytes:
        """The frames of these events."""
        return super().frame(self._onward.readable(events))
