"""The UI message stream: the table of `tests/event_cases.py`, and the order of what a whole turn is made into."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockbackend import events as ev
from mockbackend.events import Event, Usage
from mockbackend.protocol.images import markdown
from mockbackend.protocol.links import Links
from mockbackend.protocol.ui_stream.stream import KEEP_ALIVE, UIStream
from tests.event_cases import CASES
from tests.protocol.turns import MESSAGE, any_turn

# What each event is alone, first in a stream. A delta opens its block; only the end closes the stream.
FRAMES = {
    "a step starts": [b'{"type":"start","messageId":"msg-1"}', b'{"type":"start-step"}'],
    "text": [b'{"type":"text-start","id":"text-1"}', '{"type":"text-delta","id":"text-1","delta":"Grüße"}'.encode()],
    "text with line ends": [
        b'{"type":"text-start","id":"text-1"}',
        '{"type":"text-delta","id":"text-1","delta":"a\\nb\\r\u2028\\"c\\"\\\\"}'.encode(),
    ],
    "reasoning": [
        b'{"type":"reasoning-start","id":"reasoning-1"}',
        b'{"type":"reasoning-delta","id":"reasoning-1","delta":"Hm."}',
    ],
    "a call starts": [b'{"type":"tool-input-start","toolCallId":"call-1","toolName":"get_current_time"}'],
    "a call's arguments come": [
        b'{"type":"tool-input-delta","toolCallId":"call-1","inputTextDelta":"{\\"timezone\\": \\"UT"}'
    ],
    "a call is whole": [
        b'{"type":"tool-input-available","toolCallId":"call-1","toolName":"get_current_time","input":{"timezone":"UTC"}}'
    ],
    "a call without arguments": [
        b'{"type":"tool-input-available","toolCallId":"call-2","toolName":"get_current_time","input":{}}'
    ],
    "a call is left to the client": [],
    "a call asks": [b'{"type":"tool-approval-request","approvalId":"approval-1","toolCallId":"call-1"}'],
    "a yes": [],
    "a no": [b'{"type":"tool-output-denied","toolCallId":"call-1"}'],
    "a call returns": [b'{"type":"tool-output-available","toolCallId":"call-1","output":{"time":"12:30"}}'],
    "a call returns nothing": [b'{"type":"tool-output-available","toolCallId":"call-1","output":null}'],
    "a call fails": [b'{"type":"tool-output-error","toolCallId":"call-1","errorText":"no such zone"}'],
    "an image": [
        b'{"type":"text-start","id":"text-1"}',
        b'{"type":"text-delta","id":"text-1","delta":"![Generated Image](https://host/images/token)"}',
    ],
    "an image with a revised prompt": [
        b'{"type":"text-start","id":"text-1"}',
        b'{"type":"text-delta","id":"text-1","delta":'
        b'"![Generated Image](https://host/images/token)\\n\\n*Revised prompt: A red fox*"}',
    ],
    "a source": [
        b'{"type":"source-document","sourceId":"file-1#page 3","mediaType":"application/pdf",'
        b'"title":"plan.pdf, page 3","filename":"plan.pdf",'
        b'"providerMetadata":{"mockbackend":{"fileId":"file-1","url":"https://host/files/file-1/content#page=3"}}}'
    ],
    "a source without a place": [
        b'{"type":"source-document","sourceId":"file-1","mediaType":"text/markdown",'
        b'"title":"plan.md","filename":"plan.md",'
        b'"providerMetadata":{"mockbackend":{"fileId":"file-1","url":"https://host/files/file-1/content"}}}'
    ],
    "a page of the web": [
        b'{"type":"source-url","sourceId":"https://example.org/a?b=1","url":"https://example.org/a?b=1",'
        b'"title":"A page"}'
    ],
    "data is shown": ['{"type":"data-chart","id":"c1","data":{"points":[1,2.5,null],"title":"Grüße"}}'.encode()],
    "data is shown that is no object": [b'{"type":"data-note","id":"n\\"1","data":"a\\nb"}'],
    "data is shown in passing": [b'{"type":"data-chart","id":"c1","data":[1],"transient":true}'],
    "what the engine wants back": [],
    "progress": [b'{"type":"data-picture","data":{"status":"started"},"transient":true}'],
    "a step ends for tools": [b'{"type":"finish-step"}'],
    "a step ends with no usage": [b'{"type":"finish-step"}'],
    "a failure": [b'{"type":"error","errorText":"The model is busy."}'],
    "the end": [
        b'{"type":"finish","finishReason":"stop","messageMetadata":{"usage":{"inputTokens":10,"outputTokens":5}}}',
        b"[DONE]",
    ],
}


LINKS = Links("https://host")


def frames(*batches: list[Event]) -> bytes:
    stream = UIStream(LINKS)
    return b"".join(stream.frame(batch) for batch in batches)


def chunks(events: list[Event]) -> list[dict[str, Any]]:
    """What a client reads, up to the [DONE] that must be last."""
    *before, done, rest = frames(events).split(b"\n\n")
    assert (done, rest) == (b"data: [DONE]", b"")
    assert all(one.startswith(b"data: ") and b"\n" not in one for one in before)
    return [orjson.loads(one.removeprefix(b"data: ")) for one in before]


@pytest.mark.parametrize("name", CASES)
def test_an_event_is_framed_as_these_chunks(name: str) -> None:
    assert frames([CASES[name]]) == b"".join(b"data: %b\n\n" % one for one in FRAMES[name])


@given(any_turn(), st.integers(0, 20))
def test_a_turn_framed_in_pieces_gives_the_same_stream(turn: list[Event], cut: int) -> None:
    assert frames(turn[:cut], turn[cut:]) == frames(turn)


@given(any_turn())
def test_a_turn_starts_once_and_each_step_ends(turn: list[Event]) -> None:
    read = chunks(turn)
    kinds = [one["type"] for one in read]
    assert read[0] == {"type": "start", "messageId": MESSAGE}
    assert kinds.count("start") == 1
    steps = [kind for kind in kinds if kind in ("start-step", "finish-step")]
    assert steps[::2] == ["start-step"] * len(steps[::2])
    assert steps[1::2] == ["finish-step"] * len(steps[1::2])
    assert kinds[-1] in ("finish", "error")
    assert kinds[-1] == "error" or len(steps) % 2 == 0


@given(any_turn())
def test_a_block_is_started_and_ended_within_its_step(turn: list[Event]) -> None:
    opened: dict[str, str] = {}
    ended: set[str] = set()
    calls: set[str] = set()
    for one in chunks(turn):
        kind, _, what = one["type"].partition("-")
        if kind in ("text", "reasoning"):
            match what:
                case "start":
                    assert not opened, "one block at a time, so that the parts stand as they are stored"
                    assert one["id"] not in ended
                    opened[one["id"]] = kind
                case "delta":
                    assert opened[one["id"]] == kind
                case "end":
                    assert opened.pop(one["id"]) == kind
                    ended.add(one["id"])
        elif one["type"] in ("finish-step", "finish", "error") or one.get("toolCallId", "") not in {"", *calls}:
            assert not opened
            calls.add(one.get("toolCallId", ""))
    assert not opened


@given(any_turn())
def test_no_text_of_a_turn_is_lost(turn: list[Event]) -> None:
    read = chunks(turn)
    said = [words(event) for event in turn if isinstance(event, ev.TextDelta | ev.ImageMade)]
    assert "".join(one["delta"] for one in read if one["type"] == "text-delta") == "".join(said)
    failed = any(isinstance(event, ev.Failed) for event in turn)
    assert ("error" in [one["type"] for one in read]) == failed


def words(event: ev.TextDelta | ev.ImageMade) -> str:
    return event.text if isinstance(event, ev.TextDelta) else markdown(event.token, event.revised_prompt, LINKS)


@given(any_turn())
def test_absent_values_have_no_key(turn: list[Event]) -> None:
    for one in chunks(turn):
        assert [key for key, value in one.items() if value is None] in ([], ["output"], ["data"])


def test_only_the_end_of_the_stream_follows_an_error() -> None:
    turn: list[Event] = [
        ev.StepStarted(MESSAGE),
        ev.TextDelta("One"),
        ev.Failed("Broken."),
        ev.StepEnded("error", Usage()),
        ev.TurnEnded("error", Usage()),
    ]
    assert [one["type"] for one in chunks(turn)] == [
        *("start", "start-step", "text-start", "text-delta", "text-end"),
        "error",
    ]


def test_text_after_reasoning_is_a_block_of_its_own() -> None:
    turn: list[Event] = [ev.StepStarted(MESSAGE), ev.ReasoningDelta("Hm."), ev.TextDelta("So"), ev.TextDelta(" be it")]
    turn += [ev.StepEnded("stop", Usage()), ev.TurnEnded("stop", Usage())]
    assert [(one["type"], one.get("id")) for one in chunks(turn)][2:-2] == [
        ("reasoning-start", "reasoning-1"),
        ("reasoning-delta", "reasoning-1"),
        ("reasoning-end", "reasoning-1"),
        ("text-start", "text-2"),
        ("text-delta", "text-2"),
        ("text-delta", "text-2"),
        ("text-end", "text-2"),
    ]


def test_data_of_an_id_stands_where_it_was_shown_first() -> None:
    turn: list[Event] = [ev.StepStarted(MESSAGE), ev.TextDelta("One")]
    for number, transient in ((1, True), (2, False), (3, False)):
        turn += [ev.DataShown("chart", "c", number, transient), ev.TextDelta("more")]
    turn += [ev.StepEnded("stop", Usage()), ev.TurnEnded("stop", Usage())]
    assert [one["type"] for one in chunks(turn)][2:-2] == [
        *("text-start", "text-delta", "data-chart", "text-delta", "text-end"),
        *("data-chart", "text-start", "text-delta", "data-chart", "text-delta", "text-end"),
    ]


def test_data_that_its_client_has_is_replaced_in_its_place() -> None:
    earlier: list[Event] = [ev.StepStarted(MESSAGE), ev.DataShown("chart", "c", 1), ev.StepEnded("tool-calls", Usage())]
    turn: list[Event] = [ev.StepStarted(MESSAGE), ev.TextDelta("One"), ev.DataShown("chart", "c", 2)]
    framed = UIStream(LINKS, earlier).frame([*turn, ev.TextDelta("more")])
    assert framed.count(b'"text-start"') == 1


def test_the_keep_alive_is_a_comment() -> None:
    assert KEEP_ALIVE == b": keep-alive\n\n"
