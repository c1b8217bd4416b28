"""The saver of settled history: a row a turn, and LangGraph reads each conversation whole."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from mockbackend.agent.graph import compile_graph
from mockbackend.messages import Message, text_of
from mockbackend.storage import DamagedHistory
from mockbackend.storage.embedded import checkpoints
from mockbackend.storage.embedded.checkpoints import Checkpoints
from tests.harness.examples import examples

CONFIG: Any = {"configurable": {"thread_id": "a"}}
# {"new_messages": "word"}
WORDS = "value = x'81ac6e65775f6d65737361676573a4776f7264'"
# As of the year 2100.
LATE = "1ffffff0-8335-6428-8001-8a1503f9b875"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "checkpoints.db"
    checkpoints.prepare(made)
    return made


@pytest.fixture
def saver(path: Path) -> Iterator[Checkpoints]:
    opened = Checkpoints(path)
    yield opened
    opened.conn.close()


async def stock_read(path: Path) -> list[Message] | None:
    """The thread's messages as LangGraph's own saver reads them with our graph; None if it has no state."""
    async with AsyncSqliteSaver.from_conn_string(str(path)) as stock:
        state = await compile_graph(stock).aget_state(CONFIG)
    assert state.next == ()
    messages: list[Message] | None = state.values.get("messages")
    return messages


def rows_of(saver: Checkpoints, what: str) -> list[Any]:
    return saver.conn.execute(f"SELECT {what}").fetchall()


def message(words: str) -> Message:
    return {"id": "m", "role": "user", "turn": "t", "at": 1, "parts": [{"type": "text", "text": words}]}


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints.db"
    checkpoints.prepare(path)
    saver = Checkpoints(path)
    try:
        saver.write("a", 0, [message("before")])
        # As a conversation of more than SQLite's billion bytes would be.
        saver.conn.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 10_000)
        with pytest.raises(sqlite3.DataError):
            saver.write("a", 0, [message("x" * 20_000)])
        assert saver.read("a") == [message("before")]
        saver.write("a", 0, [message("after")])
        assert saver.read("a") == [message("after")]
        assert saver.conn.execute("SELECT count(*) FROM checkpoints").fetchone() == (1,)
    finally:
        saver.conn.close()


@pytest.mark.parametrize("act", ["write", "delete"])
def test_what_fails_leaves_no_transaction_open(tmp_path: Path, act: str) -> None:
    """It would lock the database for all others, and commit half of itself with the next."""
    path = tmp_path / "checkpoints.db"
    checkpoints.prepare(path)
    saver = Checkpoints(path)
    try:
        saver.write("a", 0, [message("before")])
        saver.conn.executescript(
            "INSERT INTO writes (thread_id, checkpoint_id, task_id, idx, channel) VALUES ('a', '1', '1', 1, 'c');"
            "CREATE TRIGGER full BEFORE DELETE ON writes BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
        with pytest.raises(sqlite3.IntegrityError, match="disk full"):
            saver.write("a", 0, [message("after")]) if act == "write" else saver.delete_thread("a")
        assert not saver.conn.in_transaction
        assert saver.read("a") == [message("before")]
    finally:
        saver.conn.close()


@pytest.mark.parametrize("messages", [["word"], {"a": "word"}, 7, [{"a": "word"}], [{**message("a"), "parts": 3}]])
def test_messages_of_another_shape_are_damaged(tmp_path: Path, messages: Any) -> None:
    path = tmp_path / "checkpoints.db"
    checkpoints.prepare(path)
    saver = Checkpoints(path)
    try:
        saver.write("a", 0, messages)
        with pytest.raises(DamagedHistory, match="a"):
            saver.read("a")
    finally:
        saver.conn.close()


async def test_a_stock_saver_with_our_graph_reads_a_conversation_whole(saver: Checkpoints, path: Path) -> None:
    for base, words in ((0, "ab"), (2, "cd"), (4, "ef"), (3, "g"), (4, "hi"), (1, "jk"), (3, "l"), (0, "mn"), (2, "o")):
        saver.write("a", base, [message(word) for word in words])
        assert await stock_read(path) == saver.read("a")
    assert saver.read("a") == [message(word) for word in "mno"]


@settings(deadline=None, max_examples=examples(60))
@given(turns=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 3)), max_size=8))
def test_whatever_is_cut_a_thread_reads_as_a_list_would(
    turns: list[tuple[float, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("saver") / "checkpoints.db"
    checkpoints.prepare(path)
    saver = Checkpoints(path)
    said: list[Message] = []
    try:
        for number, (share, count) in enumerate(turns):
            base = round(share * len(said))
            new = [message(f"<{number}.{place}>") for place in range(count)]
            assert saver.write("a", base, new) == base
            replaced, said = said[base:], said[:base] + new
            assert saver.read("a") == said
            rows = [bytes(row[0]) for row in saver.conn.execute("SELECT checkpoint FROM checkpoints")]
            assert len(rows) <= 2
            rows += [bytes(row[0]) for row in saver.conn.execute("SELECT value FROM writes")]
            # What a user has replaced is not kept.
            for one in replaced:
                assert not any(text_of(one).encode() in row for row in rows)
        assert asyncio.run(stock_read(path)) == (said or None)
    finally:
        saver.conn.close()


def test_a_turn_changes_no_row_of_another(saver: Checkpoints) -> None:
    for base in (0, 2, 4):
        saver.write("a", base, [message("x" * 1000)] * 2)
    before = rows_of(saver, "value FROM writes")
    ids = rows_of(saver, "checkpoint_id FROM checkpoints")
    saver.write("a", 6, [message("y")] * 2)
    assert rows_of(saver, "value FROM writes")[:2] == before
    assert rows_of(saver, "checkpoint_id FROM checkpoints") == ids
    assert rows_of(saver, "idx FROM writes") == [(2,), (4,), (6,)]
    ((head,),) = rows_of(saver, "length(checkpoint) FROM checkpoints WHERE parent_checkpoint_id IS NOT NULL")
    assert head < 500


def test_a_base_that_is_too_long_is_all_that_there_is(saver: Checkpoints) -> None:
    assert saver.write("a", 7, [message("a")]) == 0
    assert saver.write("a", 7, [message("b")]) == 1
    assert saver.write("a", 7, [message("c")]) == 2
    assert saver.read("a") == [message("a"), message("b"), message("c")]


@pytest.mark.parametrize("turns", [1, 3])
async def test_what_langgraph_adds_to_a_thread_goes_with_the_next_turn(
    saver: Checkpoints, path: Path, turns: int
) -> None:
    said = [message(f"{number}") for number in range(turns)]
    for number, one in enumerate(said):
        saver.write("a", number, [one])
    async with AsyncSqliteSaver.from_conn_string(str(path)) as stock:
        graph = compile_graph(stock)
        for words in ("theirs", "and more"):
            update = {"base_length": turns, "new_messages": [message(words)]}
            await graph.aupdate_state(CONFIG, {"messages": update}, as_node="tools")
        assert (await graph.aget_state(CONFIG)).values["messages"] == [*said, message("and more")]
    assert len(rows_of(saver, "1 FROM checkpoints")) > 2
    assert saver.read("a") == said
    saver.write("a", turns, [message("ours")])
    assert saver.read("a") == await stock_read(path) == [*said, message("ours")]
    assert len(rows_of(saver, "1 FROM checkpoints")) == 2
    assert rows_of(saver, "DISTINCT task_id FROM writes") == [("turn",)]


async def test_a_clock_that_was_set_back_changes_nothing(
    saver: Checkpoints, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "empty_checkpoint", lambda: {**empty_checkpoint(), "id": LATE})
    saver.write("a", 0, [message("one")])
    monkeypatch.undo()
    saver.write("a", 1, [message("two")])
    saver.write("a", 2, [message("three")])
    assert saver.read("a") == await stock_read(path) == [message("one"), message("two"), message("three")]


@pytest.mark.parametrize(
    "damage", ["value = x'ff'", "value = x''", "value = 'song'", "value = 7", "value = NULL", WORDS]
)
def test_a_turn_that_cannot_be_read_says_so_and_the_others_are_there(saver: Checkpoints, damage: str) -> None:
    for base in (0, 2, 4):
        saver.write("a", base, [message(f"{base}"), message(f"{base}!")])
    saver.conn.execute(f"UPDATE writes SET {damage} WHERE idx = 2")
    saver.conn.commit()
    one, two, lost, lost_too, *others = saver.read("a")
    assert [one, two, *others] == [message("0"), message("0!"), message("4"), message("4!")]
    assert [lost["role"], lost_too["role"]] == ["user", "assistant"]
    assert text_of(lost) == text_of(lost_too) == "(This message is damaged and cannot be read.)"
    saver.write("a", 3, [message("on")])
    assert [text_of(said) for said in saver.read("a")] == ["0", "0!", text_of(lost), "on"]


@pytest.mark.parametrize(
    "damage",
    ["metadata = x'ff'", "metadata = NULL", "metadata = '[]'", "parent_checkpoint_id = NULL", "checkpoint = x'ff'"],
)
async def test_a_damaged_head_costs_nothing(saver: Checkpoints, path: Path, damage: str) -> None:
    for base in (0, 2, 4):
        saver.write("a", base, [message(f"{base}"), message(f"{base}!")])
    saver.conn.execute(f"UPDATE checkpoints SET {damage} WHERE parent_checkpoint_id IS NOT NULL")
    saver.conn.commit()
    assert len(saver.read("a")) == 6
    saver.write("a", 6, [message("on")])
    assert saver.read("a") == await stock_read(path)
    assert len(saver.read("a")) == 7


@pytest.mark.slow
async def test_no_reader_beside_a_turn_sees_less_than_there_was(saver: Checkpoints, path: Path) -> None:
    """A head that came and went would give it nothing at times, and no error."""
    saver.write("a", 0, [message("0")])
    saver.write("a", 1, [message("1")])
    reads = 0

    async def read() -> None:
        nonlocal reads
        async with AsyncSqliteSaver.from_conn_string(str(path)) as stock:
            graph = compile_graph(stock)
            for _ in range(700):
                least = written
                said = (await graph.aget_state(CONFIG)).values["messages"]
                assert len(said) >= min(least, 2)
                assert [text_of(one) for one in said] == [str(place) for place in range(len(said))]
                reads += 1

    written = 2
    reading = [asyncio.create_task(read()) for _ in range(3)]
    while not all(task.done() for task in reading):
        # Now and then all but the first two turns are replaced, and once all of them.
        base = 2 if written > 12 else written
        await asyncio.to_thread(saver.write, "a", base, [message(str(base))])
        written = base + 1
    await asyncio.gather(*reading)
    assert reads == 2_100
