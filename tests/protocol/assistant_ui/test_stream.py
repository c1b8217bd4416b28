"""What assistant-ui reads: either stream, with its own line for approvals, and nothing twice of calls that it has."""

from __future__ import annotations

import orjson
import pytest

from mockbackend import events as ev
from mockbackend.events import Event, Usage
from mockbackend.protocol import framing_for
from mockbackend.protocol.assistant_ui import ASSISTANT_UI, ASSISTANT_UI_STREAM
from mockbackend.protocol.data_stream import DATA_STREAM
from mockbackend.protocol.links import Links
from mockbackend.protocol.ui_stream import UI_STREAM
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
    assert ASSISTANT_UI.open_stream(LINKS)([CASES[name]]) == LINES[name]


def test_a_call_that_its_user_has_approved_comes_again_with_its_result_under_an_id_of_its_own() -> None:
    frame = ASSISTANT_UI.open_stream(LINKS, BEFORE)
    assert frame([ev.ApprovalGiven("call-2", approved=True), ev.ToolReturned("call-2", "sent")]).splitlines() == [
        b'9:{"toolCallId":"call-2#result","toolName":"mail","args":{}}',
        b'a:{"toolCallId":"call-2#result","result":"sent"}',
    ]
    assert frame([ev.TextDelta("a")]) == b'0:"a"\n'


def test_what_the_client_has_answered_itself_does_not_come_again() -> None:
    frame = ASSISTANT_UI.open_stream(LINKS, [*BEFORE, ev.ToolReturned("call-1", "Ada")])
    refused: list[Event] = [ev.ApprovalGiven("call-2", approved=False)]
    refused += [ev.ToolReturned("call-2", {"error": "no"}, failed=True)]
    assert frame([*refused, ev.StepStarted("msg-1")]) == b'f:{"messageId":"msg-1"}\n'


def test_a_call_of_this_response_is_framed_as_ever() -> None:
    frame = ASSISTANT_UI.open_stream(LINKS, BEFORE)
    assert frame([ev.ToolCalled("call-3", "form", {}), ev.ToolReturned("call-3", 1)]).splitlines() == [
        b'9:{"toolCallId":"call-3","toolName":"form","args":{}}',
        b'a:{"toolCallId":"call-3","result":1}',
    ]


def test_the_ui_message_stream_of_a_body_of_its_own_names_the_call_before_its_result() -> None:
    body = {"unstable_assistantMessageId": "any"}
    framing = framing_for(body, UI_STREAM)
    assert (framing, framing.name) == (ASSISTANT_UI_STREAM, "ui")
    assert (framing_for({}, UI_STREAM), framing_for(body, DATA_STREAM)) == (UI_STREAM, DATA_STREAM)
    frame = framing.open_stream(LINKS, BEFORE)
    sent = frame([ev.ApprovalGiven("call-2", approved=True), ev.ToolReturned("call-2", "sent")])
    chunks = [orjson.loads(one.removeprefix(b"data: ")) for one in sent.split(b"\n\n")[:-1]]
    assert chunks == [
        {"type": "start", "messageId": "msg-1"},
        {"type": "tool-input-available", "toolCallId": "call-2#result", "toolName": "mail", "input": {}},
        {"type": "tool-output-available", "toolCallId": "call-2#result", "output": "sent"},
    ]
