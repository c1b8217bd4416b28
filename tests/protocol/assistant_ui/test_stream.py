"""The lines of assistant-ui: AI SDK 4's, approvals, and calls of earlier responses before their results."""

from __future__ import annotations

import pytest

from mockbackend import events as ev
from mockbackend.events import Event, Usage
from mockbackend.protocol.assistant_ui.stream import AssistantUIStream
from mockbackend.protocol.links import Links
from tests.event_cases import CASES
from tests.protocol.data_stream import test_stream as data_stream

LINES = {
    **data_stream.LINES,
    "a call asks": b'aui-tool-call-approval:{"toolCallId":"call-1","approval":{"id":"approval-1"}}\n',
}
LINKS = Links("https://host")
BEFORE: list[Event] = [
    ev.StepStarted("msg-1"),
    ev.ToolCalled("call-1", "form", {"q": 1}),
    ev.ToolCalled("call-2", "mail", {}),
    ev.StepEnded("tool-calls", Usage()),
]


@pytest.mark.parametrize("name", CASES)
def test_an_event_is_framed_as_this_line(name: str) -> None:
    assert AssistantUIStream(LINKS).frame([CASES[name]]) == LINES[name]


def test_a_call_of_an_earlier_response_comes_again_before_its_result() -> None:
    stream = AssistantUIStream(LINKS, BEFORE)
    assert stream.frame([ev.ToolReturned("call-2", "sent")]).splitlines() == [
        b'9:{"toolCallId":"call-2","toolName":"mail","args":{}}',
        b'a:{"toolCallId":"call-2","result":"sent"}',
    ]
    assert stream.frame([ev.TextDelta("a")]) == b'0:"a"\n'


def test_what_the_client_has_answered_itself_comes_again_first() -> None:
    stream = AssistantUIStream(LINKS, [*BEFORE, ev.ToolReturned("call-1", "Ada")])
    assert stream.frame([ev.StepStarted("msg-1")]).splitlines() == [
        b'9:{"toolCallId":"call-1","toolName":"form","args":{"q":1}}',
        b'a:{"toolCallId":"call-1","result":"Ada"}',
        b'f:{"messageId":"msg-1"}',
    ]
    assert stream.frame([ev.StepStarted("msg-1")]) == b'f:{"messageId":"msg-1"}\n'
