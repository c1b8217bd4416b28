"""Settled messages in LangGraph's SQLite saver: one checkpoint a thread, whose id is the conversation's.

A stock saver with the graph's schema reads each conversation whole. Nothing here runs in an event loop: the callers
choose the thread.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata, empty_checkpoint
from langgraph.checkpoint.sqlite import SqliteSaver

from ...messages import Message
from ..values import DamagedHistory
from . import sqlite
from .serde import CHANNEL, Serde

NAME = "mock-langgraph-db.db"
# As bytes: one that is no UTF-8 would be an error of SQLite's.
_NEWEST = """SELECT CAST(type AS BLOB), CAST(checkpoint AS BLOB) FROM checkpoints
WHERE thread_id = ? AND checkpoint_ns = '' ORDER BY checkpoint_id DESC LIMIT 1"""


def prepare(path: Path) -> None:
    """Prepare this database by `sqlite.prepare`, since the saver's `setup` can meet a lock."""
    sqlite.prepare(path, lambda connection: SqliteSaver(connection).setup())


class Checkpoints(SqliteSaver):
    """The saver, of which any one thread at a time may use a method."""

    def __init__(self, path: Path) -> None:
        self._serde = Serde()
        super().__init__(sqlite.connect(path), serde=self._serde)
        self.is_setup = True
        # The thread of which a `put` under way replaces all checkpoints.
        self._replaced: str | None = None

    def read(self, conversation_id: str) -> list[Message]:
        """The settled messages, oldest first. Raises DamagedHistory."""
        # Not the saver's `get_tuple`: it also needs columns that hold nothing of the messages, and may be damaged.
        rows = self.conn.execute(_NEWEST, (conversation_id,)).fetchall()
        if not rows:
            return []
        try:
            kind, stored = rows[0]
            messages = self._serde.loads_messages(kind.decode(), stored)
        except Exception as error:
            raise DamagedHistory(conversation_id) from error
        if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
            raise DamagedHistory(conversation_id)
        return messages

    def encode(self, messages: list[Message]) -> list[Any]:
        """The messages as `write` takes them as well; they may be encoded on any thread."""
        return self._serde.encode_each(messages)

    def write(self, conversation_id: str, messages: list[Any]) -> None:
        """Make these the settled messages."""
        checkpoint = empty_checkpoint()
        versions: dict[str, Any] = {CHANNEL: self.get_next_version(None, None)}
        checkpoint["channel_values"] = {CHANNEL: messages}
        checkpoint["channel_versions"] = versions
        self.put(_config(conversation_id), checkpoint, {"source": "update", "step": 0, "parents": {}}, versions)

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Write a checkpoint in place of all others of its thread: the disk holds each conversation once."""
        self._replaced = str(config["configurable"]["thread_id"])
        try:
            return super().put(config, checkpoint, metadata, new_versions)
        finally:
            self._replaced = None

    @contextmanager
    def cursor(self, transaction: bool = True) -> Iterator[sqlite3.Cursor]:
        """A cursor that rolls back on failure. The saver's own commits, and may leave a thread without any."""
        with self.lock:
            cursor = self.conn.cursor()
            try:
                if self._replaced is not None:
                    # Not before the saver has its bytes: this opens the transaction, for whose end other writers wait.
                    cursor.execute("DELETE FROM checkpoints WHERE thread_id = ?", (self._replaced,))
                    cursor.execute("DELETE FROM writes WHERE thread_id = ?", (self._replaced,))
                yield cursor
                if transaction:
                    self.conn.commit()
            except BaseException:
                self.conn.rollback()
                raise
            finally:
                cursor.close()


def _config(conversation_id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": conversation_id, "checkpoint_ns": ""}}
