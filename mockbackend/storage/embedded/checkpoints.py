"""LangGraph's SQLite saver on a thread of its own: one hop a call, one checkpoint a thread.

AsyncSqliteSaver makes about 18 hops a turn and prunes nothing. Here `put` deletes the thread's older checkpoints in
the transaction that writes the new one, so that the disk holds each conversation once.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple
from langgraph.checkpoint.sqlite import SqliteSaver

from . import sqlite

NAME = "mock-langgraph-db.db"
# A key of a run's configuration: the run keeps nothing of its thread, which need not be read then. LangGraph stores
# beside a checkpoint what was configured, unless its name begins like this one.
NOTHING_KEPT = "__nothing_kept"
T = TypeVar("T")


def prepare(path: Path) -> None:
    """`sqlite.prepare`, for this database, since the saver's `setup` can meet a lock."""
    sqlite.prepare(path, lambda connection: SqliteSaver(connection).setup())


class Checkpoints(SqliteSaver):
    """The saver of settled history; the asynchronous methods are what LangGraph calls."""

    def __init__(self, path: Path) -> None:
        super().__init__(sqlite.connect(path))
        self.is_setup = True
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoints")

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Write a checkpoint in place of all others of its thread."""
        thread = (str(config["configurable"]["thread_id"]),)
        try:
            # The first DELETE opens the transaction that the saver's own `put` commits.
            self.conn.execute("DELETE FROM checkpoints WHERE thread_id = ?", thread)
            self.conn.execute("DELETE FROM writes WHERE thread_id = ?", thread)
            return super().put(config, checkpoint, metadata, new_versions)
        except BaseException:
            self.conn.rollback()
            raise

    @contextmanager
    def cursor(self, transaction: bool = True) -> Iterator[sqlite3.Cursor]:
        """The saver's own commits also what has failed: a thread's checkpoints would be deleted, and none written."""
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

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The newest checkpoint of the thread."""
        if NOTHING_KEPT in config["configurable"]:
            return None
        return await self._hop(self.get_tuple, config)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """`put`, on the saver's thread."""
        return await self._hop(self.put, config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """`put_writes`, on the saver's thread."""
        await self._hop(self.put_writes, config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        """Forget a thread."""
        await self._hop(self.delete_thread, thread_id)

    async def aclose(self) -> None:
        """Close the connection once what is under way is done."""
        await self._hop(self.conn.close)
        self._thread.shutdown()

    async def _hop(self, work: Callable[..., T], *values: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *values)
