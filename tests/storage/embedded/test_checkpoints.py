"""The saver of settled history: one checkpoint a thread, whatever becomes of the writing of the next."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from mockbackend.agent.graph import compile_graph
from mockbackend.messages import Message
from mockbackend.storage import DamagedHistory
from mockbackend.storage.embedded import checkpoints
from mockbackend.storage.embedded.checkpoints import Checkpoints


def message(words: str) -> Message:
    return {"id": "m", "role": "user", "turn": "t", "at": 1, "parts": [{"type": "text", "text": words}]}


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints.db"
    checkpoints.prepare(path)
    saver = Checkpoints(path)
    try:
        saver.write("a", [message("before")])
        # As a conversation of more than SQLite's billion bytes would be.
        saver.conn.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 10_000)
        with pytest.raises(sqlite3.DataError):
            saver.write("a", [message("x" * 20_000)])
        assert saver.read("a") == [message("before")]
        saver.write("a", [message("after")])
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
        saver.write("a", [message("before")])
        saver.conn.executescript(
            "INSERT INTO writes (thread_id, checkpoint_id, task_id, idx, channel) VALUES ('a', '1', '1', 1, 'c');"
            "CREATE TRIGGER full BEFORE DELETE ON writes BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
        with pytest.raises(sqlite3.IntegrityError, match="disk full"):
            saver.write("a", [message("after")]) if act == "write" else saver.delete_thread("a")
        assert not saver.conn.in_transaction
        assert saver.read("a") == [message("before")]
    finally:
        saver.conn.close()


@pytest.mark.parametrize("messages", [["word"], {"a": "word"}, 7])
def test_messages_of_another_shape_are_damaged(tmp_path: Path, messages: Any) -> None:
    path = tmp_path / "checkpoints.db"
    checkpoints.prepare(path)
    saver = Checkpoints(path)
    try:
        saver.write("a", messages)
        with pytest.raises(DamagedHistory, match="a"):
            saver.read("a")
    finally:
        saver.conn.close()


async def test_a_stock_saver_with_our_graph_reads_a_conversation_whole(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints.db"
    checkpoints.prepare(path)
    saver = Checkpoints(path)
    saver.write("a", [message("one"), message("two")])
    saver.conn.close()
    async with AsyncSqliteSaver.from_conn_string(str(path)) as stock:
        state = await compile_graph(stock).aget_state({"configurable": {"thread_id": "a"}})
    assert state.values["messages"] == [message("one"), message("two")]
    assert state.next == ()
