"""Count what a process does, for `bench.counts`: Python imports this first, if its folder is on PYTHONPATH."""

import asyncio
import functools
import mmap
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiosqlite

# As `bench.counts` names them.
STATEMENT, COMMIT, HOP, TASK = range(4)
WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")

with open(os.environ["BENCH_COUNTS"], "r+b") as file:
    counts = memoryview(mmap.mmap(file.fileno(), 0)).cast("Q")


def counted(kind: int, function: Any) -> Any:
    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        counts[kind] += 1
        return function(*arguments, **options)

    return call


def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
    connection = _connect(*arguments, **options)

    def trace(statement: str) -> None:
        # A trigger's statements come as comments.
        if not statement.startswith("--"):
            counts[STATEMENT] += 1
            # Outside a transaction a statement that writes is one.
            is_alone = statement.lstrip().startswith(WRITES) and not connection.in_transaction
            counts[COMMIT] += is_alone or statement.startswith("COMMIT")

    connection.set_trace_callback(trace)
    return connection


class Task(asyncio.Task):  # type: ignore[type-arg]
    def __init__(self, *arguments: Any, **options: Any) -> None:
        counts[TASK] += 1
        super().__init__(*arguments, **options)


_connect, sqlite3.connect = sqlite3.connect, connect  # type: ignore[assignment]
asyncio.Task = asyncio.tasks.Task = Task  # type: ignore[misc]
ThreadPoolExecutor.submit = counted(HOP, ThreadPoolExecutor.submit)  # type: ignore[method-assign]
aiosqlite.Connection._execute = counted(HOP, aiosqlite.Connection._execute)  # type: ignore[method-assign]
