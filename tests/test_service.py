"""Reading a conversation in which turns begin and end meanwhile."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from mockbackend.messages import Message
from mockbackend.service import Service
from mockbackend.storage.embedded.turns import Turn


def message(name: str) -> Message:
    return {"id": name, "role": "user", "turn": "t", "at": 0, "parts": []}


A, B, C, D = map(message, "abcd")
# Each stands after a and b, and adds c; its answer is d.
ONE, OTHER = (Turn("c", name, "d", "owner", 0, "data", 2, [C]) for name in ("one", "other"))
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
    running: list[Turn | None], history: list[list[Message]], read: list[Message]
) -> None:
    turns, histories = iter(running), iter(history)

    async def next_turn(_: str) -> Turn | None:
        return next(turns)

    async def next_history(_: str) -> list[Message]:
        return next(histories)

    service: Any = SimpleNamespace(
        beginning=SimpleNamespace(release_dead=next_turn),
        storage=SimpleNamespace(turns=SimpleNamespace(running=next_turn)),
        history=SimpleNamespace(read=next_history),
    )
    assert await Service.read(cast(Service, service), "c") == read
    assert not [*turns, *histories], "not all was looked at"
