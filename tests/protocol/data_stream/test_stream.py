"""The data stream, line by line: the table of `tests/event_cases.py`, and any event at random."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockbackend import events as ev
from mockbackend.events import Event
from mockbackend.protocol.data_stream.stream import KEEP_ALIVE, frame
from mockbackend.protocol.links import Links
from mockbackend.protocol.sources import source_url
from tests.event_cases import CASES, any_event
from tests.harness.answers import line

USAGE = b'"usage":{"promptTokens":10,"completionTokens":5,"inputTokens":10,"outputTokens":5}'
NO_USAGE = b'"usage":{"promptTokens":0,"completionTokens":0,"inputTokens":0,"outputTokens":0}'
LINES = {
    "a step starts": b'f:{"messageId":"msg-1"}\n',
    "text": '0:"Grüße"\n'.encode(),
    "text with line ends": '0:"a\\nb\\r\u2028\\"c\\"\\\\"\n'.encode(),
    "reasoning": b'g:"Hm."\n',
    "a call starts": b'b:{"toolCallId":"call-1","toolName":"get_current_time"}\n',
    "a call's arguments come": b'c:{"toolCallId":"call-1","argsTextDelta":"{\\"timezone\\": \\"UT"}\n',
    "a call is whole": b'9:{"toolCallId":"call-1","toolName":"get_current_time","args":{"timezone":"UTC"}}\n',
    "a call without arguments": b'9:{"toolCallId":"call-2","toolName":"get_current_time","args":{}}\n',
    "a call is left to the client": b"",
    "a call asks": b"",
    "a yes": b"",
    "a no": b"",
    "a call returns": b'a:{"toolCallId":"call-1","result":{"time":"12:30"}}\n',
    "a call returns nothing": b'a:{"toolCallId":"call-1","result":null}\n',
    "a call fails": b'a:{"toolCallId":"call-1","result":{"error":"no such zone"}}\n',
    "an image": b'0:"![Generated Image](https://host/images/token)"\n',
    "an image with a revised prompt": (
        b'0:"![Generated Image](https://host/images/token)\\n\\n*Revised prompt: A red fox*"\n'
    ),
    "a source": b'h:{"sourceType":"url","id":"file-1#page 3","url":"https://host/files/file-1/content#page=3",'
    b'"title":"plan.pdf, page 3"}\n',
    "a source without a place": b'h:{"sourceType":"url","id":"file-1","url":"https://host/files/file-1/content",'
    b'"title":"plan.md"}\n',
    "a page of the web": b'h:{"sourceType":"url","id":"https://example.org/a?b=1","url":"https://example.org/a?b=1",'
    b'"title":"A page"}\n',
    "data is shown": '8:[{"type":"data-chart","id":"c1","data":{"points":[1,2.5,null],"title":"Grüße"}}]\n'.encode(),
    "data is shown that is no object": b'8:[{"type":"data-note","id":"n\\"1","data":"a\\nb"}]\n',
    "data is shown in passing": b'2:[{"type":"data-chart","id":"c1","data":[1]}]\n',
    "what the engine wants back": b"",
    "progress": b'2:[{"type":"picture","status":"started"}]\n',
    "a step ends for tools": b'e:{"finishReason":"tool-calls",' + USAGE + b',"isContinued":false}\n',
    "a step ends with no usage": b'e:{"finishReason":"stop",' + NO_USAGE + b',"isContinued":false}\n',
    "a failure": b'3:"The model is busy."\n',
    "the end": b'd:{"finishReason":"stop",' + USAGE + b"}\n",
}


LINKS = Links("https://host")


@pytest.mark.parametrize("name", CASES)
def test_an_event_is_framed_as_this_line(name: str) -> None:
    assert frame([CASES[name]], LINKS) == LINES[name]


# These have no line.
FOR_NOBODY = (ev.EngineData, ev.ResultAwaited, ev.ApprovalAsked, ev.ApprovalGiven)


def carried(event: Event) -> tuple[str, Any]:
    """What a client must read from the event's line."""
    match event:
        case ev.StepStarted(message_id):
            return "f", {"messageId": message_id}
        case ev.TextDelta(text):
            return "0", text
        case ev.ReasoningDelta(text):
            return "g", text
        case ev.ToolCallStarted(call_id, name):
            return "b", {"toolCallId": call_id, "toolName": name}
        case ev.ToolCallDelta(call_id, fragment):
            return "c", {"toolCallId": call_id, "argsTextDelta": fragment}
        case ev.ToolCalled(call_id, name, args):
            return "9", {"toolCallId": call_id, "toolName": name, "args": args}
        case ev.ToolReturned(call_id, result, _):
            return "a", {"toolCallId": call_id, "result": result}
        case ev.ImageMade(token, None | ""):
            return "0", f"![Generated Image]({LINKS.image(token)})"
        case ev.ImageMade(token, revised):
            return "0", f"![Generated Image]({LINKS.image(token)})\n\n*Revised prompt: {revised}*"
        case ev.Source(file_id, name, _, place, page):
            place_id, title = (f"{file_id}#{place}", f"{name}, {place}") if place else (file_id, name)
            url = source_url(event, LINKS)
            return "h", {"sourceType": "url", "url": url, "id": page or place_id, "title": title}
        case ev.EngineData() | ev.ResultAwaited() | ev.ApprovalAsked() | ev.ApprovalGiven():
            raise AssertionError("a client reads nothing of it")
        case ev.DataShown(name, data_id, data, transient):
            return "2" if transient else "8", [{"type": f"data-{name}", "id": data_id, "data": data}]
        case ev.Progress(kind, data):
            return "2", [{"type": kind, **data}]
        case ev.Failed(message):
            return "3", message
        case ev.StepEnded(reason, usage) | ev.TurnEnded(reason, usage):
            tokens = {
                "promptTokens": usage.prompt,
                "completionTokens": usage.completion,
                "inputTokens": usage.prompt,
                "outputTokens": usage.completion,
            }
            if isinstance(event, ev.TurnEnded):
                return "d", {"finishReason": reason, "usage": tokens}
            return "e", {"finishReason": reason, "usage": tokens, "isContinued": False}


@given(st.lists(any_event))
def test_any_event_is_one_line_that_parses_back(events: list[Event]) -> None:
    framed = frame(events, LINKS)
    events = [event for event in events if not isinstance(event, FOR_NOBODY)]
    assert framed.count(b"\n") == len(events)
    assert framed.endswith(b"\n") or not events
    assert [line(raw) for raw in framed.split(b"\n")[:-1]] == [carried(event) for event in events]


@given(st.lists(any_event), st.integers(0, 20))
def test_events_framed_together_are_the_lines_of_each_event(events: list[Event], cut: int) -> None:
    assert frame(events, LINKS) == frame(events[:cut], LINKS) + frame(events[cut:], LINKS)


def test_the_keep_alive_is_a_line_that_says_nothing() -> None:
    assert line(KEEP_ALIVE.removesuffix(b"\n")) == ("2", [])
    assert orjson.loads(KEEP_ALIVE[2:]) == []
