"""The saver of settled history: one checkpoint a thread, whatever becomes of the writing of the next."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import Checkpoint, empty_checkpoint

from mockbackend.storage.embedded import checkpoints
from mockbackend.storage.embedded.checkpoints import Checkpoints

THREAD: RunnableConfig = {"configurable": {"thread_id": "a", "checkpoint_ns": ""}}


def checkpoint(words: str) -> Checkpoint:
    return {**empty_checkpoint(), "channel_values": {"messages": [words]}, "channel_versions": {"messages": 1}}


async def read(saver: Checkpoints) -> list[str]:
    found = await saver.aget_tuple(THREAD)
    assert found is not None, "no checkpoint is left"
    messages: list[str] = found.checkpoint["channel_values"]["messages"]
    return messages


async def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints.db"
    checkpoints.prepare(path)
    saver = Checkpoints(path)
    try:
        await saver.aput(THREAD, checkpoint("before"), {}, {})
        # As a conversation of more than SQLite's billion bytes would be.
        saver.conn.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 10_000)
        with pytest.raises(sqlite3.DataError):
            await saver.aput(THREAD, checkpoint("x" * 20_000), {}, {})
        assert await read(saver) == ["before"]
        await saver.aput(THREAD, checkpoint("after"), {}, {})
        assert await read(saver) == ["after"]
        assert saver.conn.execute("SELECT count(*) FROM checkpoints").fetchone() == (1,)
    finally:
        await saver.aclose()
