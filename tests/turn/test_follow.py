"""Reading a conversation in which turns begin and end meanwhile."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

import pytest

from mockbackend.messages import Message
from mockbackend.storage import RunningTurn, Spent, Turn
from mockbackend.turn.follow import Follower
from mockbackend.turn.joins import Joins
from mockbackend.turn.registry import RunRegistry


def message(name: str) -> Message:
    return {"id": name, "role": "user", "turn": "t", "at": 0, "parts": []}


A, B, C, D = map(message, "abcd")
# Each stands after a and b, and adds c; its answer is d.
ONE, OTHER = (
    RunningTurn(Turn("ann", "c", name, "d", 0, "data", 2, [C]), b"[]", Spent(1), False, is_ours=True, is_alive=True)
    for name in ("one", "other")
)
SETTLED, ANSWERED = [A, B], [A, B, C, D]
ASKED = [A, B, C]


@pytest.mark.parametrize(
    ("running", "history", "read"),
    [
        pytest.param([None, None], [SETTLED], SETTLED, id="none runs"),
        pytest.param([ONE, ONE], [SETTLED], ASKED, id="one runs"),
        pytest.param([ONE, ONE], [ANSWERED], ASKED, id="one runs whose answer is stored already"),
        pytest.param([None, ONE, ONE], [SETTLED, SETTLED], ASKED, id="one begins"),
        pytest.param([ONE, None, None], [SETTLED, ANSWERED], ANSWERED, id="one ends"),
        pytest.param([OTHER, ONE, ONE], [[], SETTLED], ASKED, id="one ends and another begins"),
    ],
)
async def test_what_is_read_is_of_one_moment(
    running: list[RunningTurn | None], history: list[list[Message]], read: list[Message]
) -> None:
    turns, histories = iter(running), iter(history)

    async def next_turn(_: str) -> RunningTurn | None:
        return next(turns)

    async def next_history(_: str, *, length: int | None) -> AsyncGenerator[list[Message]]:
        found = next(histories)[:length]
        for index in range(max(1, len(found))):
            yield found[index : index + 1]

    storage: Any = SimpleNamespace(
        turns=SimpleNamespace(running=next_turn), history=SimpleNamespace(pieces=next_history)
    )
    recovery: Any = SimpleNamespace(running=next_turn)
    pieces = Follower(storage, RunRegistry(), recovery, Joins(1)).read("c")
    assert [message async for piece in pieces for message in piece] == read
    assert not [*turns, *histories], "not all was looked at"
