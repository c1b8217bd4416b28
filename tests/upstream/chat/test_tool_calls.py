"""The fragments of tool calls in any order, whole or in pieces, by index, by id or by neither."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockbackend.events import EngineData, Event, Order, StepStarted, ToolCallDelta, ToolCalled
from mockbackend.upstream.chat.tool_calls import ToolCalls

UTC, TOKYO = '{"timezone": "UTC"}', '{"timezone": "Asia/Tokyo"}'


def _taken(*fragments: dict[str, Any]) -> tuple[list[Event], list[tuple[ToolCalled, str | None]]]:
    """What was emitted of the calls that these fragments make, and the calls, each with its problem."""
    emitted: list[Event] = []
    calls = ToolCalls(emitted.append, set())
    for fragment in fragments:
        calls.take(fragment)
    return emitted, calls.parsed()


def _called(*fragments: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """Id, name and arguments of the calls that these fragments make; what was emitted has its order."""
    emitted, found = _taken(*fragments)
    order = Order()
    for event in (StepStarted("m"), *emitted):
        order.follow(event)
    for call, problem in found:
        assert problem is None, problem
        pieces = [
            event.fragment for event in emitted if isinstance(event, ToolCallDelta) and event.call_id == call.call_id
        ]
        assert orjson.loads("".join(pieces) or "{}") == call.args
    return [(call.call_id, call.name, call.args.get("timezone")) for call, _ in found]


def _f(name: str | None = None, arguments: Any = None, **more: Any) -> dict[str, Any]:
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    return {**more, "function": function}


BOTH = [("a", "f", "UTC"), ("b", "g", "Asia/Tokyo")]
CASES: dict[str, list[dict[str, Any]]] = {
    "by index": [
        _f("f", "", index=0, id="a"),
        _f("g", "", index=1, id="b"),
        _f(None, TOKYO, index=1),
        _f(None, UTC, index=0),
    ],
    "by id": [_f("f", id="a"), _f("g", id="b"), _f(None, TOKYO, id="b"), _f(None, UTC, id="a")],
    "by id, all at index 0": [
        _f("f", id="a", index=0),
        _f("g", id="b", index=0),
        _f(None, TOKYO, id="b", index=0),
        _f(None, UTC, id="a", index=0),
    ],
    "whole, without an index": [_f("f", UTC, id="a"), _f("g", TOKYO, id="b")],
    "arguments before the name": [
        _f(None, UTC[:5], index=0),
        _f("f", UTC[5:], index=0, id="a"),
        _f(None, TOKYO, index=1),
        _f("g", id="b", index=1),
    ],
    "an id at the end": [
        _f("f", UTC, index=0),
        {"index": 0, "id": "a"},
        _f("g", TOKYO, index=1),
        {"index": 1, "id": "b"},
    ],
    "a name in pieces": [
        *[_f(piece, index=0, id="a") for piece in ("f",)],
        _f(None, UTC, index=0),
        _f("g", index=1, id="b"),
        _f(None, TOKYO, index=1),
    ],
    "the name with each fragment": [
        _f("f", UTC[:4], index=0, id="a"),
        _f("f", UTC[4:], index=0, id="a"),
        _f("g", TOKYO[:4], index=1, id="b"),
        _f("g", TOKYO[4:], index=1, id="b"),
    ],
    "said twice": [_f("f", UTC, index=0, id="a"), _f("f", UTC, index=0, id="a"), _f("g", TOKYO, index=1, id="b")],
    "arguments as an object": [
        _f("f", {"timezone": "UTC"}, index=0, id="a"),
        _f("g", {"timezone": "Asia/Tokyo"}, index=1, id="b"),
    ],
    "an index as a text": [_f("f", UTC, index="0", id="a"), _f("g", TOKYO, index="1", id="b")],
    "a name in two pieces": [_f("", index=0, id="a"), _f("f", UTC, index=0), _f("g", TOKYO, index=1, id="b")],
}


@pytest.mark.parametrize("name", CASES)
def test_two_calls_are_put_together(name: str) -> None:
    found = _called(*CASES[name])
    assert sorted(call[1:] for call in found) == sorted(call[1:] for call in BOTH)
    if name != "an id at the end":
        assert found == BOTH


@pytest.mark.parametrize(
    "fragments",
    [
        [_f("f", UTC), _f("g", TOKYO)],
        [_f("f", UTC[:4]), _f(None, UTC[4:]), _f("g", TOKYO[:4]), _f(None, TOKYO[4:])],
        [_f("f", UTC, id="x"), _f("g", TOKYO, id="x")],
        [_f("f", UTC, index=0), _f("g", TOKYO, index=0)],
        [_f("f", ""), _f(None, UTC), _f("g", ""), _f(None, TOKYO)],
    ],
)
def test_two_calls_without_ids_of_their_own_are_two(fragments: list[dict[str, Any]]) -> None:
    first, second = _called(*fragments)
    assert (first[1:], second[1:]) == (("f", "UTC"), ("g", "Asia/Tokyo"))
    assert first[0] != second[0]


def test_ids_that_an_engine_makes_up_for_each_fragment_are_one_call() -> None:
    assert _called(
        _f("f", "", index=0, id="x1"), _f(None, UTC[:5], index=0, id="x2"), _f(None, UTC[5:], index=0, id="x3")
    ) == [("x1", "f", "UTC")]


def test_an_id_that_is_a_number_is_its_text() -> None:
    assert _called(_f("f", UTC, index=0, id=17)) == [("17", "f", "UTC")]


def test_whatever_else_stands_on_a_call_is_kept_for_the_engine() -> None:
    emitted: list[Event] = []
    calls = ToolCalls(emitted.append, set())
    calls.take({**_f("f", "{", index=0, id="a"), "type": "function", "extra_content": {"google": {"s": 1}}})
    calls.take({"index": 0, "function": {"arguments": "}", "thought": "x"}})
    assert [event.data["calls"]["a"] for event in emitted if isinstance(event, EngineData)] == [
        {"extra_content": {"google": {"s": 1}}},
        {"extra_content": {"google": {"s": 1}}, "function": {"thought": "x"}},
    ]


_zones = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(st.lists(_zones, min_size=1, max_size=4), st.data())
def test_the_fragments_of_any_calls_in_any_order_make_these_calls(zones: list[str], data: st.DataObject) -> None:
    by = data.draw(st.sampled_from(["index", "id", "both"]))
    queues: list[list[dict[str, Any]]] = []
    for number, zone in enumerate(zones):
        text = orjson.dumps({"timezone": zone}).decode()
        cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=3)))
        pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        names: dict[str, Any] = {"index": number} if by != "id" else {}
        names |= {"id": f"id-{number}"} if by != "index" else {}
        # The name comes first, last or in between.
        fragments = [_f(None, piece, **names) for piece in pieces]
        fragments.insert(data.draw(st.integers(0, len(fragments))), _f("f", **names))
        queues.append(fragments)
    fragments = []
    while queues:
        queue = data.draw(st.sampled_from(queues))
        fragments.append(queue.pop(0))
        queues = [queue for queue in queues if queue]
    assert sorted(call[2] for call in _called(*fragments)) == sorted(zones)


_small = st.none() | st.integers(0, 2)
_arguments = st.none() | st.text(max_size=3) | st.dictionaries(st.text(max_size=2), st.integers())
_function = st.fixed_dictionaries({}, optional={"name": st.none() | st.text(max_size=3), "arguments": _arguments})
_fragment = st.fixed_dictionaries({}, optional={"index": _small, "id": _small, "function": st.none() | _function})


@given(st.lists(_fragment, max_size=8))
def test_no_fragments_break_the_order_of_events(fragments: list[dict[str, Any]]) -> None:
    emitted, found = _taken(*fragments)
    order = Order()
    for event in (StepStarted("m"), *emitted, *(call for call, _ in found)):
        order.follow(event)
