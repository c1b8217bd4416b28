"""The table of events is whole: a new event is in it, or this fails."""

from __future__ import annotations

from mockbackend.events import CALL_ORDER, DELTAS, ORDER
from tests.event_cases import CASES, KINDS, PARTS


def test_every_event_has_a_case() -> None:
    assert {type(event) for event in CASES.values()} == set(KINDS)


def test_every_event_has_its_place_in_the_order() -> None:
    assert {kind for follows in ORDER.values() for kind in follows} == set(KINDS)
    assert {kind for follows in CALL_ORDER.values() for kind in follows} < set(KINDS)


def test_every_event_comes_at_random() -> None:
    assert set(PARTS) == set(KINDS)


def test_every_fragment_is_joined_in_the_log() -> None:
    assert {kind.__name__ for kind in DELTAS} == {name for kind in KINDS if (name := kind.__name__).endswith("Delta")}
