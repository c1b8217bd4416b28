"""What is kept of sealed reasoning, and how much."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from typing import TypeVar

import pytest

from mockbackend.log import TurnFields, turn_fields
from mockbackend.upstream.responses import sealed

T = TypeVar("T")


def test_what_is_kept_anew_takes_no_more_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "MAX_BYTES", 10)
    kept = sealed.SealedReasoning()
    kept.keep("first", [{"encrypted_content": "1234"}])
    for _ in range(3):
        kept.keep("call_0", [{"encrypted_content": "1234"}])
    assert kept.before("first") == [{"encrypted_content": "1234"}]
    assert kept.before("call_0") == [{"encrypted_content": "1234"}]


def test_the_same_call_id_in_another_turn_finds_nothing() -> None:
    kept = sealed.SealedReasoning()

    def in_turn(name: str, work: Callable[[], T]) -> T:
        def run() -> T:
            turn_fields.set(TurnFields(name, "c", "ann"))
            return work()

        return copy_context().run(run)

    in_turn("one", lambda: kept.keep("call_0", [{"encrypted_content": "ann's"}]))
    assert in_turn("two", lambda: kept.before("call_0")) == []
    assert in_turn("one", lambda: kept.before("call_0")) == [{"encrypted_content": "ann's"}]
