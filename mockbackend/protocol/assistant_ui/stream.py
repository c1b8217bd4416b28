"""The lines that assistant-ui reads besides those of the data stream.

Follows `DataStreamDecoder` of the npm package assistant-stream 0.3.57. It forgets the calls of earlier responses, and
throws on a result of a call that it does not know: such a call is sent again before its result.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson

from ...events import ApprovalAsked, Event, StepEnded, ToolCalled, ToolCallStarted, ToolReturned
from ..data_stream.stream import frame
from ..links import Links


class AssistantUIStream:
    """One connection's lines. `earlier` is what its client has of the answer; it ends with what the client sent."""

    def __init__(self, links: Links, earlier: Sequence[Event] = ()) -> None:
        self._links = links
        # The calls of earlier responses, by their ids.
        self._known = {event.call_id: event for event in earlier if isinstance(event, ToolCalled)}
        ends = [index for index, event in enumerate(earlier) if isinstance(event, StepEnded)]
        self._answered = list(earlier[ends[-1] + 1 :]) if ends else []

    def frame(self, events: Iterable[Event]) -> bytes:
        """The lines of these events."""
        answered, self._answered = self._answered, []
        return b"".join([self._line(event) for event in (*answered, *events)])

    def _line(self, event: Event) -> bytes:
        match event:
            case ApprovalAsked(call_id, approval_id):
                asked = {"toolCallId": call_id, "approval": {"id": approval_id}}
                return b"aui-tool-call-approval:%b\n" % orjson.dumps(asked)
            case ToolCalled(call_id) | ToolCallStarted(call_id):
                self._known.pop(call_id, None)
            case ToolReturned(call_id) if call := self._known.pop(call_id, None):
                return frame([call, event], self._links)
        return frame([event], self._links)
