"""Settled messages in LangGraph's SQLite saver, laid so that a turn writes nothing but its own.

A thread's id is its conversation's. These are all rows that a thread has:

    checkpoints  anchor  without a parent: the messages of the first turn, as any graph leaves them
                 head    from the second turn on: no messages; its parent is the anchor, its id stays the same
    writes       a row of the anchor for each later turn, with `idx` = base length and
                 value = {"base_length": the same, "new_messages": […]}, an update of the graph's state

A stock saver with the graph's schema reads each conversation whole: from the head it goes to its parent, takes the
messages there, and gives the writes to the graph's reducer in their order, as LangGraph's DeltaChannel means it. So the
head and the anchor are changed in place: one that came or went between two statements of such a reader would give it
no messages. What LangGraph itself adds to a thread goes with the next turn.

Nothing here runs in an event loop: the callers choose the thread.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from langgraph.checkpoint.base import Checkpoint, empty_checkpoint
from langgraph.checkpoint.sqlite import SqliteSaver

from ...messages import Message
from ..bounds import LARGEST
from . import sqlite
from .migrations import SAVER
from .reading import HistoryReader, are_messages
from .serde import CHANNEL, Serde
from .sqlite import Execute
from .threads import ANCHOR_METADATA, ROWS, TASK, THREAD, TURN, Thread, head_metadata, later_id

NAME = SAVER


def prepare(path: Path) -> None:
    """Prepare this database by `sqlite.prepare`, since the saver's `setup` can meet a lock."""
    sqlite.prepare(path, lambda connection: SqliteSaver(connection).setup())


class Checkpoints(SqliteSaver):
    """The saver, of which any one thread at a time may use a method."""

    def __init__(self, path: Path) -> None:
        self._serde = Serde()
        connection = sqlite.connect(path)
        connection.text_factory = sqlite.text
        super().__init__(connection, serde=self._serde)
        self.is_setup = True
        self._reader = HistoryReader(connection, self._serde)

    def read(self, conversation_id: str, start: int = 0, length: int = LARGEST) -> list[Message]:
        """The settled messages from `start` on of the first `length`; `HistoryReader` says what it raises."""
        with self._reader.one_state():
            pieces = self._reader.pieces(conversation_id, start, length)
            return [message for piece in pieces for message in piece.messages]

    def last_turn(self, conversation_id: str) -> tuple[int, list[Message]]:
        """The place of the last turn, and its messages."""
        with self._reader.one_state():
            place = self._reader.last_place(conversation_id)
            return place, self.read(conversation_id, place)

    def encode(self, messages: list[Message]) -> list[Any]:
        """The messages as `write` takes them as well; they may be encoded on any thread."""
        return self._serde.encode_each(messages)

    def write(self, conversation_id: str, base_length: int, messages: list[Any]) -> int:
        """Make these what follows the first `base_length` settled messages; how many there are before them.

        They are fewer than `base_length` where the row that it was counted from is damaged.
        """
        with self._transaction() as execute:
            thread = Thread.found(conversation_id, execute(ROWS, conversation_id))
            if thread is None:
                self._insert(execute, conversation_id, self._new(messages), None, ANCHOR_METADATA)
                return 0
            count = thread.count if thread.head else self._reader.count(conversation_id)
            base = min(base_length, count)
            if base == 0:
                self._update(execute, conversation_id, self._new(messages, thread.anchor), ANCHOR_METADATA)
                execute("DELETE FROM writes WHERE thread_id = ?", conversation_id)
            else:
                if base < count:
                    self._cut(execute, thread, base)
                kind, value = self._serde.dumps_update(base, messages)
                execute(
                    """INSERT OR REPLACE INTO writes
                    (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value)
                    VALUES (?, '', ?, ?, '', ?, ?, ?, ?)""",
                    *(conversation_id, thread.anchor, TASK, base, CHANNEL, kind, value),
                )
            if thread.has_others or not thread.head:
                self._remove_others(execute, thread)
            if base or thread.head:
                self._put_head(execute, thread, base + len(messages))
            return base

    def shorten(self, conversation_id: str, until: float) -> bool:
        """Remove the last turns but the first, until that moment of the monotonic clock; whether there are more."""
        last = f"SELECT rowid FROM writes WHERE {THREAD} ORDER BY checkpoint_id DESC, task_id DESC, idx DESC LIMIT 1"
        with self._transaction() as execute:
            while execute(f"DELETE FROM writes WHERE rowid = ({last}) RETURNING rowid", conversation_id):
                if time.monotonic() > until:
                    return True
        return False

    def _cut(self, execute: Execute, thread: Thread, base: int) -> None:
        """Leave the first `base` messages, of which there are more."""
        execute(f"DELETE FROM writes WHERE {TURN} AND idx >= ?", thread.id, thread.anchor, base)
        # What is left of the last row: it must not hold what its user has replaced.
        rows = execute(
            f"SELECT idx, value FROM writes WHERE {TURN} ORDER BY idx DESC LIMIT 1", thread.id, thread.anchor
        )
        if not rows:
            kept = self._reader.first_turn(thread.id)[:base]
            self._update(execute, thread.id, self._new(kept, thread.anchor), ANCHOR_METADATA)
            return
        [(place, value)] = rows
        [messages] = self._serde.loads_updates([value])
        # One that is unreadable is read as such.
        if are_messages(messages) and place + len(messages) > base:
            kind, value = self._serde.dumps_update(place, messages[: base - place])
            execute(
                f"UPDATE writes SET type = ?, value = ? WHERE {TURN} AND idx = ?",
                *(kind, value, thread.id, thread.anchor, place),
            )

    def _remove_others(self, execute: Execute, thread: Thread) -> None:
        """Remove what is not of this layout: LangGraph has gone on from the thread, say."""
        execute(
            "DELETE FROM checkpoints WHERE thread_id = ? AND checkpoint_id NOT IN (?, ?)",
            *(thread.id, thread.anchor, thread.head or thread.anchor),
        )
        execute(
            "DELETE FROM writes WHERE thread_id = ? AND (checkpoint_id <> ? OR task_id <> ?)",
            *(thread.id, thread.anchor, TASK),
        )

    def _put_head(self, execute: Execute, thread: Thread, count: int) -> None:
        checkpoint = empty_checkpoint()
        checkpoint["channel_versions"] = {CHANNEL: self.get_next_version(str(count), None)}
        if thread.head is None:
            checkpoint["id"] = later_id(checkpoint["id"], thread.anchor)
            self._insert(execute, thread.id, checkpoint, thread.anchor, head_metadata(count))
        else:
            checkpoint["id"] = thread.head
            self._update(execute, thread.id, checkpoint, head_metadata(count))

    def _new(self, messages: list[Any], checkpoint_id: str | None = None) -> Checkpoint:
        """A checkpoint that holds these messages."""
        checkpoint = empty_checkpoint()
        checkpoint["id"] = checkpoint_id or checkpoint["id"]
        checkpoint["channel_values"] = {CHANNEL: messages}
        checkpoint["channel_versions"] = {CHANNEL: self.get_next_version(None, None)}
        return checkpoint

    def _insert(
        self, execute: Execute, thread_id: str, checkpoint: Checkpoint, parent: str | None, metadata: bytes
    ) -> None:
        execute(
            """INSERT INTO checkpoints (thread_id, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata)
            VALUES (?, ?, ?, ?, ?, ?)""",
            *(thread_id, checkpoint["id"], parent, *self._serde.dumps_typed(checkpoint), metadata),
        )

    def _update(self, execute: Execute, thread_id: str, checkpoint: Checkpoint, metadata: bytes) -> None:
        execute(
            f"UPDATE checkpoints SET type = ?, checkpoint = ?, metadata = ? WHERE {THREAD} AND checkpoint_id = ?",
            *(*self._serde.dumps_typed(checkpoint), metadata, thread_id, checkpoint["id"]),
        )

    @contextmanager
    def _transaction(self) -> Iterator[Execute]:
        """A transaction, which what is raised undoes."""
        with self.lock:
            self.conn.execute("BEGIN IMMEDIATE")
            try:
                yield lambda statement, *values: self.conn.execute(statement, values).fetchall()
                self.conn.commit()
            except BaseException:
                self.conn.rollback()
                raise

    @contextmanager
    def cursor(self, transaction: bool = True) -> Iterator[sqlite3.Cursor]:
        """A cursor that rolls back on failure. The saver's own commits, and may leave half a deletion."""
        with self.lock:
            cursor = self.conn.cursor()
            try:
                yield cursor
                if transaction:
                    self.conn.commit()
            except BaseException:
                self.conn.rollback()
                raise
            finally:
                cursor.close()
