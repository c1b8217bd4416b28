"""The settled messages: whatever they hold, they come back as they were stored."""

from __future__ import annotations

from dataclasses import replace

from mockbackend.messages import Message
from mockbackend.storage import Storage
from tests.protocol.part_cases import CASES, message_of
from tests.storage.contract.acts import SPENT, answer, begun, message, ran, texts, turn_of
from tests.storage.contract.engines import Engine

FIELDS: list[Message] = [
    {**message("user", "t1", ""), "refused": True, "parts": []},
    {**message("assistant", "t1", "half"), "incomplete": True, "finish": "stop", "error": "It broke."},
    {**message("assistant", "t1", "whole"), "usage": {"prompt": 2**40, "completion": 0}, "at": 2**50},
]
RESULTS: list[object] = [
    None,
    True,
    0,
    -(2**53),
    2**63,
    0.1,
    1e300,
    "",
    "\0\ud7ff\U0010ffff",
    [],
    {},
    {"": [{"a": [None, [1.5]]}]},
]


async def stored(storage: Storage, *messages: Message) -> list[Message]:
    turn = turn_of()
    await begun(storage, turn)
    await storage.turns.end(turn, list(messages), b"[]", SPENT)
    return (await storage.history.read("c"))[1:]


async def test_an_unknown_conversation_has_no_messages(storage: Storage) -> None:
    assert await storage.history.read("none") == []


async def test_every_part_comes_back(storage: Storage) -> None:
    messages = [message_of(name) for name in CASES]
    kept = await ran(storage, replace(turn_of("t0", "d"), new_messages=messages))
    assert await storage.history.read("d") == [*messages, *answer(kept)]
    assert await stored(storage, *messages) == messages


async def test_every_field_comes_back(storage: Storage) -> None:
    assert await stored(storage, *FIELDS) == FIELDS


async def test_any_json_comes_back(storage: Storage, other: Storage) -> None:
    said = [
        message(
            "assistant",
            f"t{number}",
            "x",
            {"type": "tool", "id": "1", "name": "n", "args": {"a": result}},
            {"type": "data", "name": "chart", "id": "1", "data": result},
        )
        for number, result in enumerate(RESULTS)
    ]
    await stored(storage, *said)
    assert (await other.history.read("c"))[1:] == said


async def test_what_is_read_is_the_readers_own(storage: Storage) -> None:
    await ran(storage, turn_of())
    read = await storage.history.read("c")
    read[0]["parts"].clear()
    read.clear()
    assert [len(one["parts"]) for one in await storage.history.read("c")] == [1, 1]


async def test_a_turn_that_cannot_be_read_says_so_and_the_rest_lives(engine: Engine) -> None:
    storage = await engine.open()
    for number in range(3):
        await ran(storage, turn_of(f"t{number}", base_length=2 * number))
    await engine.damage_messages("c", 2)
    lost = "(This message is damaged and cannot be read.)"
    assert await texts(storage) == ["t0?", "t0!", lost, lost, "t2?", "t2!"]
    assert [one["role"] for one in await storage.history.read("c")] == ["user", "assistant"] * 3
    await ran(storage, turn_of("t3", base_length=6))
    assert await texts(storage) == ["t0?", "t0!", lost, lost, "t2?", "t2!", "t3?", "t3!"]
    await ran(storage, turn_of("t4", base_length=2))
    assert await texts(storage) == ["t0?", "t0!", "t4?", "t4!"]
