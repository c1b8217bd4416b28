"""The framings, read by the packages' own code: every event, and any turn, which is read as it is stored."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from mockbackend.events import Event, Failed, ToolCalled, ToolReturned
from mockbackend.messages import answer_message
from mockbackend.protocol import FRAMINGS
from mockbackend.protocol.links import Links
from tests.clients.client import Process
from tests.event_cases import CASES
from tests.harness.examples import examples
from tests.protocol.turns import MESSAGE, any_turn

READERS = {"ai-sdk-4": "data", "ai-sdk-5": "ui", "ai-sdk-6": "ui", "ai-sdk-7": "ui"}
Read = Callable[[list[Event]], dict[str, Any]]


@pytest.fixture(scope="module", params=READERS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each generation of the AI SDK."""
    return str(request.param)


@pytest.fixture(scope="module")
def read(kind: str, processes: Callable[[str], Process]) -> Read:
    """What that generation makes of these events' stream: the message, and what it found wrong."""
    process = processes(kind)

    def read_(events: list[Event]) -> dict[str, Any]:
        stream = FRAMINGS[READERS[kind]].open_stream(LINKS)(events)
        found: dict[str, Any] = process("read", stream=base64.b64encode(stream).decode())
        return found

    return read_


LINKS = Links("https://host")


@pytest.mark.parametrize("name", [name for name in CASES if not name.startswith(("a call", "a no", "a failure"))])
def test_an_event_is_accepted(read: Read, name: str) -> None:
    assert read([CASES[name]])["errors"] == []


def test_the_events_of_a_call_are_accepted(read: Read) -> None:
    for ending in ("a call returns", "a call returns nothing", "a call fails"):
        names = ("a step starts", "a call starts", "a call's arguments come", "a call is whole", ending, "the end")
        assert read([CASES[name] for name in names])["errors"] == []
    assert read([CASES[name] for name in ("a step starts", "a call without arguments", "the end")])["errors"] == []


@pytest.mark.parametrize("kind", ["ai-sdk-6", "ai-sdk-7"], scope="module")
@pytest.mark.parametrize("decision", [("a yes", "a call returns"), ("a no", "a call fails")])
def test_the_events_of_an_approval_are_accepted(read: Read, decision: tuple[str, str]) -> None:
    names = ("a step starts", "a call is whole", "a call asks", *decision, "the end")
    found = read([CASES[name] for name in names])
    assert found["errors"] == []
    *_, call = found["message"]["parts"]
    assert call["state"] == {"a yes": "output-available", "a no": "output-denied"}[decision[0]]


def test_a_failure_is_the_only_error(read: Read) -> None:
    names = ("a step starts", "text", "a failure", "a step ends with no usage", "the end")
    assert read([CASES[name] for name in names])["errors"] == ["The model is busy."]


@given(turn=any_turn())
@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_turn_is_read_as_it_is_stored(read: Read, kind: str, turn: list[Event]) -> None:
    found = read(turn)
    assert found["errors"] == [event.message for event in turn if isinstance(event, Failed)]
    stored = FRAMINGS[READERS[kind]].render_message(answer_message(MESSAGE, "turn", 0, turn, complete=True), LINKS)
    assert held(found["message"]) == held(stored)


def test_keys_that_the_clients_parser_forbids_break_no_answer(read: Read) -> None:
    forbidden = {"__proto__": 1, "constructor": {"prototype": 2}, "kept": [{"__proto__": 3}], "a": {"constructor": 4}}
    turn = [CASES["a step starts"], ToolCalled("call-1", "t", forbidden), ToolReturned("call-1", forbidden)]
    assert read(turn)["errors"] == []


def held(message: dict[str, Any]) -> Any:
    """Without dates, how it ended (a client's status), and the ids of blocks; numbers as JavaScript has them."""
    kept = {key: value for key, value in message.items() if key not in ("createdAt", "revisionId", "metadata")}
    kept["parts"] = [
        {key: value for key, value in part.items() if key != "id" or part["type"].startswith("data-")}
        for part in message["parts"]
    ]
    # AI SDK 4 keeps all that was shown of an id; the last counts.
    if kept.pop("annotations", None):
        kept["annotations"] = {(one["type"], one["id"]): one["data"] for one in message["annotations"]}
    while kept["parts"] and kept["parts"][-1] == {"type": "step-start"}:
        # AI SDK 5 and later do not show a step until it has content.
        kept["parts"].pop()
    return _numbers(kept)


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        # `__proto__` is left out for 5 and later, whose parser refuses it.
        return {key: _numbers(one) for key, one in value.items() if key != "__proto__"}
    if isinstance(value, list):
        return [_numbers(one) for one in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
