"""Stored messages: what an answer's events become, and always a history that a model takes."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockbackend.events import (
    DataShown,
    Event,
    Failed,
    ImageMade,
    Order,
    OrderError,
    Progress,
    ReasoningDelta,
    StepEnded,
    StepStarted,
    TextDelta,
    ToolCallDelta,
    ToolCalled,
    ToolCallStarted,
    ToolReturned,
    TurnEnded,
    Usage,
    joined,
)
from mockbackend.messages import INTERRUPTED, Message, Part, answer_message, answer_parts, now_ms, text_of, title_of
from mockbackend.messages.reading import is_open
from tests.event_cases import any_event

start = StepStarted("msg-1")
usage = Usage(1, 2)
STEP: Part = {"type": "step"}


def said(*parts: Part) -> Message:
    return {"id": "1", "role": "user", "turn": "t", "at": 1, "parts": list(parts)}


def interrupted(args: dict[str, Any]) -> Part:
    result = {"error": INTERRUPTED}
    return {"type": "tool", "id": "1", "name": "tool", "args": args, "result": result, "failed": True}


def words(text: str) -> Part:
    return {"type": "text", "text": text}


def data(name: str, data_id: str, value: Any) -> Part:
    return {"type": "data", "name": name, "id": data_id, "data": value}


PARTS: dict[str, tuple[list[Event], list[Part]]] = {
    "words": ([start, TextDelta("a"), TextDelta("b"), StepEnded("stop", usage)], [STEP, words("ab")]),
    "reasoning and words": (
        [start, ReasoningDelta("a"), ReasoningDelta("b"), TextDelta("c")],
        [STEP, {"type": "reasoning", "text": "ab"}, words("c")],
    ),
    "words around progress": (
        [start, TextDelta("a"), Progress("retry", {}), TextDelta("b")],
        [STEP, words("a"), words("b")],
    ),
    "a tool": (
        [
            *(start, ToolCallStarted("1", "tool"), ToolCallDelta("1", "{}"), ToolCalled("1", "tool", {"a": 1})),
            *(ToolReturned("1", [2]), StepEnded("tool-calls", usage), start, TextDelta("b")),
        ],
        [STEP, {"type": "tool", "id": "1", "name": "tool", "args": {"a": 1}, "result": [2]}, STEP, words("b")],
    ),
    "a tool that failed": (
        [start, ToolCalled("1", "tool", {}), ToolReturned("1", {"error": "no"}, failed=True)],
        [STEP, {"type": "tool", "id": "1", "name": "tool", "args": {}, "result": {"error": "no"}, "failed": True}],
    ),
    "a call broken off in its arguments": (
        [start, ToolCallStarted("1", "tool"), ToolCallDelta("1", '{"a')],
        [STEP, interrupted({})],
    ),
    "a call broken off before its result": (
        [start, ToolCalled("1", "tool", {"a": 1}), ToolCalled("2", "tool", {}), ToolReturned("2", None)],
        [
            STEP,
            interrupted({"a": 1}),
            {"type": "tool", "id": "2", "name": "tool", "args": {}, "result": None},
        ],
    ),
    "data of which one is replaced": (
        [
            *(start, DataShown("chart", "1", [1]), TextDelta("a"), DataShown("chart", "2", None)),
            *(DataShown("chart", "1", "gone", transient=True), DataShown("note", "1", {}), DataShown("chart", "1", 2)),
            *(DataShown("chart", "1", "gone", transient=True), DataShown("chart", "3", "gone", transient=True)),
        ],
        [STEP, data("chart", "1", 2), words("a"), data("chart", "2", None), data("note", "1", {})],
    ),
    "a picture": ([start, ImageMade("token")], [STEP, {"type": "picture", "token": "token"}]),
    "a picture with a revised prompt": (
        [start, ImageMade("token", "fox")],
        [STEP, {"type": "picture", "token": "token", "revised_prompt": "fox"}],
    ),
    "nothing yet": ([start], [STEP]),
    "nothing at all": ([], []),
}


@pytest.mark.parametrize("name", PARTS)
def test_these_events_are_these_parts(name: str) -> None:
    events, parts = PARTS[name]
    assert answer_parts(events) == parts


@pytest.mark.parametrize("name", PARTS)
def test_a_turns_log_has_the_same_parts(name: str) -> None:
    events, parts = PARTS[name]
    assert answer_parts(joined(events)) == parts


@given(st.lists(any_event))
def test_any_answer_is_json_in_which_every_call_has_a_result_or_is_open(events: list[Event]) -> None:
    order, legal = Order(), []
    for event in events:
        try:
            order.follow(event)
        except OrderError:
            continue
        legal.append(event)
    parts = answer_parts(legal)
    assert orjson.loads(orjson.dumps(parts)) == parts
    calls = [part for part in parts if part["type"] == "tool"]
    assert all(isinstance(call["args"], dict) and ("result" in call or is_open(call)) for call in calls)
    assert len({call["id"] for call in calls}) == len(calls)
    assert parts == answer_parts(joined(legal))


@given(st.lists(any_event))
def test_the_last_of_an_id_counts_in_the_place_of_the_first(events: list[Event]) -> None:
    kept = [event for event in events if isinstance(event, DataShown) and not event.transient]
    last = {(event.name, event.id): event.data for event in kept}
    parts = [part for part in answer_parts([start, *kept]) if part["type"] == "data"]
    assert [(part["name"], part["id"], part["data"]) for part in parts] == [(*key, last[key]) for key in last]


def test_an_answer_says_how_it_ended() -> None:
    events: list[Event] = [start, TextDelta("a"), StepEnded("length", usage), TurnEnded("length", usage)]
    assert answer_message("msg-1", "t", 5, events, complete=True) == {
        "id": "msg-1",
        "role": "assistant",
        "turn": "t",
        "at": 5,
        "parts": [STEP, words("a")],
        "finish": "length",
        "usage": {"prompt": 1, "completion": 2},
    }


def test_the_last_step_says_how_an_answer_ended() -> None:
    events: list[Event] = [start, StepEnded("tool-calls", usage), start, StepEnded("content-filter", usage)]
    assert answer_message("msg-1", "t", 5, events, complete=True)["finish"] == "content-filter"


def test_an_answer_that_failed_keeps_what_was_said_and_why() -> None:
    message = answer_message("msg-1", "t", 5, [start, TextDelta("a"), Failed("Busy.")], complete=False)
    assert message["parts"] == [STEP, words("a")]
    assert message["error"] == "Busy."
    assert message["incomplete"] is True
    assert "finish" not in message


def test_a_message_says_its_text_parts_alone() -> None:
    reasoning: Part = {"type": "reasoning", "text": "b"}
    attachment: Part = {"type": "attachment", "name": "n", "media_type": "text/plain", "text": "c"}
    assert text_of(said(words("a"), reasoning, attachment, STEP, words("d"))) == "ad"


TITLES = {
    "Hello": "Hello",
    "  Hello,\n\n  world  ": "Hello, world",
    "x" * 60: "x" * 60,
    "word " * 20: "word word word word word word word word word word word word…",
    "y" * 70: "y" * 60 + "…",
    "one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve": (
        "one, two, three, four, five, six, seven, eight, nine, ten…"
    ),
}


@pytest.mark.parametrize("text", TITLES)
def test_a_title_is_the_opening_words(text: str) -> None:
    assert title_of([said(words(text))]) == TITLES[text]


@given(st.text())
def test_any_title_is_short_and_on_one_line(text: str) -> None:
    title = title_of([said(words(text))])
    assert 1 <= len(title) <= 61
    assert title == " ".join(title.split())


def test_a_message_without_words_is_named_by_what_it_holds() -> None:
    assert title_of([said({"type": "picture", "token": "t", "name": "n"})]) == "Image"
    assert (
        title_of([said({"type": "attachment", "name": "n", "media_type": "text/plain", "text": "t"})]) == "Attachment"
    )


def test_the_time_is_in_milliseconds() -> None:
    assert 1_700_000_000_000 < now_ms() < 10_000_000_000_000
