"""A turn of another process, read from its log: what is new in it, and a log that is damaged."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mockbackend.events import Event, TurnEnded, dump, joined, load
from mockbackend.messages import Message
from mockbackend.storage import Turn
from mockbackend.turn.remote import LOST, RemoteReader, grown
from tests.protocol.turns import any_turn

USER: Message = {"id": "u", "role": "user", "turn": "t", "at": 1, "parts": []}
TURN = Turn("ann", "c", "t", "m", 1, "data", 0, [USER])


@given(turn=any_turn(), data=st.data())
def test_a_log_read_at_any_moment_grows_to_the_whole(turn: list[Event], data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(turn)), max_size=4)))
    seen: list[Event] = []
    read: list[Event] = []
    for cut in [*cuts, len(turn)]:
        log = load(dump(turn[:cut]))
        read += grown(seen, log)
        seen = log
    assert joined(read) == joined(turn)


async def test_a_damaged_log_ends_the_answer_with_an_error() -> None:
    async def log(_: Turn) -> tuple[bytes, bool]:
        return b'[["Unknown", {}]]', False

    async def running(_: str) -> None:
        return None

    turns: Any = SimpleNamespace(log=log)
    recovery: Any = SimpleNamespace(running=running)
    reader = RemoteReader(TURN, turns, recovery)
    events = await reader.next()
    assert events is not None
    assert getattr(events[1], "message", None) == LOST
    assert isinstance(events[-1], TurnEnded)
    assert await reader.next() is None
