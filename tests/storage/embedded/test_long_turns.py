"""Turns of very many messages: the bytes of the saver, the file beside the row, and what a crash leaves of it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import ormsgpack
import pytest
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from mockbackend.messages import MANY_MESSAGES, Message
from mockbackend.storage import Conversation, Storage, TooManyTurns, Turn
from mockbackend.storage.embedded import serde
from mockbackend.storage.embedded.serde import CHANNEL, MSGPACK, Serde
from mockbackend.storage.embedded.turn_files import LARGE_BYTES
from tests.storage.contract.acts import answer, at_most, begin, begun, end, found, message, running, turn_of
from tests.storage.contract.engines import Embedded


def long_turn(turn_id: str = "t1", *, base_length: int = 0) -> Turn:
    new: list[Message] = [
        {**message("user" if n % 2 == 0 else "assistant", turn_id, f"wörd {n}"), "id": f"{turn_id}-{n}"}
        for n in range(MANY_MESSAGES + 1)
    ]
    return replace(turn_of(turn_id, base_length=base_length), new_messages=new)


def large_turn() -> Turn:
    return replace(turn_of(), new_messages=[message("user", "t1", "x" * LARGE_BYTES)])


def files(folder: Path) -> list[Path]:
    return list((folder / "turns").iterdir())


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "data"))


@pytest.fixture
def engine(folder: Path) -> Embedded:
    return Embedded(folder)


def test_the_bytes_are_the_savers_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serde, "LARGE_BYTES", 1000)
    messages = long_turn().new_messages
    checkpoint = {**empty_checkpoint(), "channel_values": {CHANNEL: messages, "other": [1, None]}}
    stored = Serde().dumps_typed(checkpoint)
    assert stored == JsonPlusSerializer().dumps_typed(checkpoint)
    assert [one for some in Serde().loads_messages(*stored) for one in some] == messages
    encoded = {**checkpoint, "channel_values": {CHANNEL: Serde().encode_each(messages), "other": [1, None]}}
    assert Serde().dumps_typed(encoded) == stored


def test_damaged_bytes_are_an_error_of_the_savers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serde, "LARGE_BYTES", 10)
    _, stored = JsonPlusSerializer().dumps_typed({**empty_checkpoint(), "channel_values": {CHANNEL: [{"a": "b"}]}})
    with pytest.raises(ormsgpack.MsgpackDecodeError):
        list(Serde().loads_messages(MSGPACK, stored[:-3]))


@pytest.mark.parametrize("turn", [long_turn(), large_turn()])
async def test_its_messages_are_in_a_file_while_it_runs(engine: Embedded, folder: Path, turn: Turn) -> None:
    one, other = await engine.open(), await engine.open()
    await begun(one, turn)
    assert len(files(folder)) == 1
    for storage in (one, other):
        assert (await running(storage)).turn == turn
    await end(one, turn)
    assert files(folder) == []
    for storage in (one, other):
        assert await storage.history.read("c") == [*turn.new_messages, *answer(turn)]
        row = await storage.conversations.get("ann", "c")
        assert row is not None
        assert row.message_count == len(turn.new_messages) + 1
    await engine.close()


async def test_what_it_says_is_found_and_nothing_that_it_replaced(engine: Embedded) -> None:
    storage = await engine.open()
    await begun(storage, long_turn())
    await end(storage, long_turn())
    again = long_turn("t2", base_length=1)
    again.new_messages[-1]["parts"] = [{"type": "text", "text": "the very last"}]
    await begun(storage, again)
    await end(storage, again)
    assert await found(storage, "the very last") == ["c"]
    assert await found(storage, "t1!") == []
    assert len(await storage.history.read("c")) == 1 + len(again.new_messages) + 1
    await engine.close()


@pytest.mark.parametrize("in_end", [False, True])
async def test_a_crash_loses_none_of_them(engine: Embedded, folder: Path, *, in_end: bool) -> None:
    turn = long_turn()
    dead = await engine.open()
    await begun(dead, turn)
    if in_end:
        await engine.crash_in_end(dead, turn, answer(turn))
    else:
        await engine.crash(dead)
    storage = await engine.open()
    (left,) = await storage.turns.unfinished()
    assert left.turn == turn
    assert await storage.turns.take_over(left)
    await end(storage, left.turn)
    assert await storage.history.read("c") == [*turn.new_messages, *answer(turn)]
    assert await found(storage, f"wörd {MANY_MESSAGES}") == ["c"]
    assert files(folder) == []
    await engine.close()


async def test_a_file_that_no_turn_needs_is_removed_at_the_next_start(engine: Embedded, folder: Path) -> None:
    dead = await engine.open()
    await begun(dead, long_turn())
    await engine.crash(dead)
    (needed,) = files(folder)
    for name in (f"t9.{'0' * 32}", f"{needed.name}.part", "anything"):
        (needed.parent / name).write_bytes(b"[]")
    living = await engine.open()
    (needed.parent / f"t8.{_id(living)}").write_bytes(b"[]")
    await engine.open()
    assert {path.name for path in files(folder)} == {needed.name, f"t8.{_id(living)}"}
    await engine.close()


async def test_a_file_that_is_gone_leaves_the_conversation_as_it_was(engine: Embedded, folder: Path) -> None:
    dead = await engine.open()
    await begun(dead, long_turn())
    await engine.crash(dead)
    files(folder)[0].unlink()
    storage = await engine.open()
    assert await storage.turns.unfinished() == []
    assert await storage.history.read("c") == []
    await engine.close()


def _id(storage: Storage) -> str:
    return storage.liveness.id  # type: ignore[attr-defined, no-any-return]


async def test_a_large_turn_that_is_refused_leaves_no_file(engine: Embedded, folder: Path) -> None:
    storage = await engine.open()
    await begun(storage, turn_of("running", "r"))
    with pytest.raises(TooManyTurns):
        await begun(storage, large_turn(), running_limit=1)
    await begun(storage, turn_of())
    _, claim = await begin(storage, replace(large_turn(), turn_id="t2"))
    assert claim is None
    # The store does what was asked of it in its order.
    await storage.turns.beat()
    assert files(folder) == []
    await engine.close()


async def test_a_large_turns_file_holds_what_was_claimed_at_last(engine: Embedded, folder: Path) -> None:
    one, other = await engine.open(), await engine.open()
    attempts: list[Turn] = []

    def place(row: Conversation) -> Turn:
        # Other messages at the second attempt, as if the conversation had changed.
        made = (
            [message("user", "t1", f"{len(attempts)}" * LARGE_BYTES)] if len(attempts) < 2 else attempts[1].new_messages
        )
        attempts.append(replace(turn_of(), new_messages=made))
        return attempts[-1]

    _, claim = await one.turns.begin("ann", "c", "Hello", place, limits=at_most(20), with_base=True)
    assert claim is not None
    assert len(attempts) == 3
    assert (await running(other)).turn.new_messages == claim.turn.new_messages
    assert len(files(folder)) == 1
    await engine.close()
