"""Which ids of tool calls are taken."""

from __future__ import annotations

import pytest

from mockbackend.agent.call_ids import CallIds
from mockbackend.messages import Message
from mockbackend.storage import Exchange

CALL: Message = {
    "id": "m",
    "role": "assistant",
    "turn": "t",
    "at": 0,
    "parts": [{"type": "tool", "id": "in messages", "name": "n", "args": {}, "result": {}}],
}
WIRE = (
    b'{"role":"assistant","tool_calls":[{"id":"in bytes","type":"function","function":{"name":"n","arguments":"{}"}}]}'
)


@pytest.mark.parametrize("position", [0, 8])
def test_an_id_in_messages_or_in_bytes_is_taken(position: int) -> None:
    history = [Exchange(position, 2, [], WIRE), Exchange(position + 2, 1, [CALL])]
    assert "in messages" in CallIds(history)
    assert "in bytes" in CallIds(history)
    assert "bytes" not in CallIds(history)


@pytest.mark.parametrize("call_id", ["functions.get_weather:0", "call_1", "call-12", "0", "get_time_3"])
def test_a_counted_id_is_taken_where_the_beginning_is_left_out(call_id: str) -> None:
    assert call_id in CallIds([Exchange(8, 2, [], WIRE)])
    assert call_id not in CallIds([Exchange(0, 2, [], WIRE)])
    assert call_id not in CallIds([])


@pytest.mark.parametrize(
    "call_id", ["call_aPmTqXKjVkv4w1KZ9xYbE2c7", "chatcmpl-tool-8b1", "D681PevKs", "call_0a4c8f21", "9f8e7d6c5"]
)
def test_a_drawn_id_is_not(call_id: str) -> None:
    assert call_id not in CallIds([Exchange(8, 2, [], WIRE)])
