"""The table of framings: each has its expected bytes of every event, and its rendering of every part."""

from __future__ import annotations

from typing import Any

import pytest

from mockbackend.events import ToolReturned
from mockbackend.protocol import DEFAULT, FRAMINGS, framing_of
from mockbackend.protocol.links import Links
from tests import event_cases
from tests.protocol import part_cases
from tests.protocol.assistant_ui import test_stream as assistant_ui
from tests.protocol.data_stream import test_messages as data_messages
from tests.protocol.data_stream import test_stream as data_stream
from tests.protocol.ui_stream import test_messages as ui_messages
from tests.protocol.ui_stream import test_stream as ui_stream

EXPECTED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "data": (data_stream.LINES, data_messages.RENDERED),
    "ui": (ui_stream.FRAMES, ui_messages.RENDERED),
    "assistant-ui": (assistant_ui.LINES, data_messages.RENDERED),
}


def test_every_framing_is_tested() -> None:
    assert set(EXPECTED) == set(FRAMINGS)


@pytest.mark.parametrize("name", FRAMINGS)
def test_every_event_and_every_part_has_its_place_in_the_framing(name: str) -> None:
    events, parts = EXPECTED[name]
    assert set(events) == set(event_cases.CASES)
    assert set(parts) == set(part_cases.CASES)


@pytest.mark.parametrize("name", FRAMINGS)
def test_two_streams_share_nothing(name: str) -> None:
    cases = event_cases.CASES
    text, alone = [cases["text"]], FRAMINGS[name].open_stream(Links(""))
    first, second = FRAMINGS[name].open_stream(Links("")), FRAMINGS[name].open_stream(Links(""))
    first([cases["a step starts"], cases["text"], cases["a failure"]])
    assert second(text) == alone(text)


@pytest.mark.parametrize("name", FRAMINGS)
def test_what_the_mock_tells_frames_by(name: str) -> None:
    framing = FRAMINGS[name]
    for case in event_cases.CASES.values():
        frames = framing.open_stream(Links(""))([case])
        # What is for nobody has no frame.
        assert not frames or frames.endswith(framing.frame_end)
        assert frames.startswith(framing.tool_results) == isinstance(case, ToolReturned)
    for frame in (framing.unknown, framing.keep_alive):
        assert frame.endswith(framing.frame_end)
        assert frame.count(framing.frame_end) == 1


def test_a_request_is_answered_in_its_clients_framing() -> None:
    assert framing_of({"message": "Hello"}) is DEFAULT
    for framing in FRAMINGS.values():
        for key in framing.request_keys:
            assert framing_of({key: "any"}) is framing
    assert framing_of({"trigger": "submit-message"}).name == "ui"
