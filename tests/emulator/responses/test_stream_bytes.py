"""The bytes of a streamed response: its events, their order and their keys, as OpenAI documents them."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest

from tests.emulator.conftest import Emulate
from tests.harness.emulator import Emulator

EVENT = re.compile(rb"event: ([\w.]+)\ndata: (\{.*\})\n\n")
AROUND = ("response.created", "response.in_progress")
ADDED, DONE = "response.output_item.added", "response.output_item.done"
TEXT = (
    ADDED,
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    DONE,
)
SUMMARY = (
    ADDED,
    "response.reasoning_summary_part.added",
    "response.reasoning_summary_text.delta",
    "response.reasoning_summary_text.done",
    "response.reasoning_summary_part.done",
    DONE,
)
HIDDEN = (ADDED, DONE)
FUNCTION = (ADDED, "response.function_call_arguments.delta", "response.function_call_arguments.done", DONE)
CUSTOM = (ADDED, "response.custom_tool_call_input.delta", "response.custom_tool_call_input.done", DONE)
TOOLS = [{"type": "function", "name": "f"}, {"type": "custom", "name": "c"}]

CASES: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[tuple[str, ...], ...], str]] = {
    "words": ({"text": ["one", "two"]}, {}, (TEXT,), "completed"),
    "thoughts and words": (
        {"reasoning": ["hm"], "text": ["one", "two"]},
        {"model": "gpt-5", "reasoning": {"summary": "auto"}},
        (SUMMARY, TEXT),
        "completed",
    ),
    "thoughts that nobody asked for": (
        {"reasoning": ["hm"], "text": ["one", "two"]},
        {"model": "gpt-5"},
        (HIDDEN, TEXT),
        "completed",
    ),
    "words and two calls": (
        {
            "text": ["one", "two"],
            "fragment": 99,
            "tool_calls": [{"name": "f", "arguments": {"a": 1}}, {"name": "c", "arguments": "x"}],
        },
        {"tools": TOOLS},
        (TEXT, FUNCTION, CUSTOM),
        "completed",
    ),
    "an answer that is too long": ({"text": ["one", "two"], "finish": "length"}, {}, (TEXT,), "incomplete"),
    "nothing": ({"text": ""}, {}, (), "completed"),
}


async def events(served: Emulator, **body: Any) -> list[dict[str, Any]]:
    """The events of a streamed response, whose bytes must be nothing but events."""
    async with served.http() as http:
        response = await http.post("/openai/v1/responses", json={"model": "gpt-4o", "stream": True, **body})
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    found = EVENT.findall(response.content)
    assert b"".join(b"event: %b\ndata: %b\n\n" % one for one in found) == response.content
    parsed = [orjson.loads(data) for _, data in found]
    assert [event["type"] for event in parsed] == [name.decode() for name, _ in found]
    return parsed


@pytest.mark.parametrize("case", CASES)
async def test_events_come_in_the_documented_order(emulate: Emulate, case: str) -> None:
    rule, body, items, end = CASES[case]
    served = emulate(orjson.dumps({"rules": [rule]}).decode())
    found = await events(served, input="hi", **body)
    assert [event["type"] for event in found] == [
        *AROUND,
        *(name for item in items for name in item),
        f"response.{end}",
    ]
    assert [event["sequence_number"] for event in found] == list(range(len(found)))


@pytest.mark.parametrize("case", CASES)
async def test_deltas_make_the_items_and_items_the_response(emulate: Emulate, case: str) -> None:
    rule, body, _, end = CASES[case]
    served = emulate(orjson.dumps({"rules": [rule]}).decode())
    found = await events(served, input="hi", **body)
    response = found[-1]["response"]
    assert response["status"] == end
    assert [event["item"] for event in found if event["type"] == DONE] == response["output"]
    for index, item in enumerate(response["output"]):
        mine = [event for event in found if event.get("item_id") == item["id"]]
        assert {event["output_index"] for event in mine} <= {index}
        deltas = "".join(event["delta"] for event in mine if event["type"].endswith(".delta"))
        parts = item.get("content") or item.get("summary") or []
        said = item.get("arguments", item.get("input", "".join(part["text"] for part in parts)))
        assert deltas == said


async def test_the_first_and_the_last_event_hold_the_whole_response(plain: Emulator) -> None:
    found = await events(plain, input="hi", instructions="Be brief.", metadata={"a": "b"})
    first, last = found[0]["response"], found[-1]["response"]
    assert first.keys() == last.keys()
    assert (first["status"], first["output"], first["usage"]) == ("in_progress", [], None)
    assert (last["id"], last["instructions"], last["metadata"]) == (first["id"], "Be brief.", {"a": "b"})
    assert set(last["usage"]) == {
        "input_tokens",
        "input_tokens_details",
        "output_tokens",
        "output_tokens_details",
        "total_tokens",
    }


async def test_a_whole_response_is_what_the_stream_ends_with(plain: Emulator) -> None:
    def known(response: dict[str, Any]) -> dict[str, Any]:
        kept = {key: value for key, value in response.items() if key not in ("id", "created_at", "completed_at")}
        return {**kept, "output": [{**item, "id": ""} for item in kept["output"]]}

    async with plain.http() as http:
        whole = (await http.post("/openai/v1/responses", json={"model": "gpt-4o", "input": "hi"})).json()
    streamed = (await events(plain, input="hi"))[-1]["response"]
    assert known(whole) == known(streamed)
