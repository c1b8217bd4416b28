"""The SQLite file that the workers of a host share: scenarios, what is counted of them, and the journal.

Nothing in it is worth waiting for a disk: without syncs, a call takes some tens of microseconds, so it is made where
it is needed, on the event loop.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock

from ...concurrency.liveness import Liveness

BUSY_SECONDS = 2.0
VERSION = 10
SCHEMA = """
CREATE TABLE scenario (
    name TEXT PRIMARY KEY, generation INTEGER NOT NULL, script BLOB NOT NULL, made REAL NOT NULL,
    last_n INTEGER NOT NULL DEFAULT 0, first_n INTEGER NOT NULL DEFAULT 1, bytes INTEGER NOT NULL DEFAULT 0,
    problems BLOB NOT NULL DEFAULT '[]', origin BLOB
);
CREATE TABLE generation (last INTEGER NOT NULL);
INSERT INTO generation VALUES (0);
CREATE TABLE beginning (script BLOB NOT NULL, origin BLOB);
CREATE TABLE script_path (path TEXT NOT NULL);
CREATE TABLE served (
    scenario TEXT NOT NULL, rule INTEGER NOT NULL, times INTEGER NOT NULL, PRIMARY KEY (scenario, rule)
) WITHOUT ROWID;
CREATE TABLE queued (id INTEGER PRIMARY KEY AUTOINCREMENT, scenario TEXT NOT NULL, rule BLOB NOT NULL);
CREATE TABLE taken (id INTEGER PRIMARY KEY, scenario TEXT NOT NULL, rule BLOB NOT NULL);
CREATE INDEX taken_of ON taken (scenario, id);
CREATE INDEX queued_of ON queued (scenario, id);
CREATE TABLE hold (
    id INTEGER PRIMARY KEY AUTOINCREMENT, scenario TEXT NOT NULL, worker TEXT NOT NULL, n INTEGER NOT NULL, turn TEXT,
    more INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE kept (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, scenario TEXT NOT NULL, key TEXT NOT NULL,
    value BLOB NOT NULL, size INTEGER NOT NULL
);
CREATE UNIQUE INDEX kept_key ON kept (kind, key);
CREATE INDEX kept_size ON kept (kind, size);
CREATE INDEX kept_of ON kept (scenario, kind, id);
CREATE TABLE recorded (
    scenario TEXT NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL, PRIMARY KEY (scenario, name)
) WITHOUT ROWID;
CREATE TABLE owner (scenario TEXT NOT NULL, owner TEXT NOT NULL, PRIMARY KEY (scenario, owner)) WITHOUT ROWID;
CREATE TABLE entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT, scenario TEXT NOT NULL, n INTEGER NOT NULL, side TEXT NOT NULL,
    kind TEXT NOT NULL, turn TEXT, method TEXT NOT NULL, path TEXT NOT NULL, headers BLOB NOT NULL, body BLOB,
    status INTEGER, at INTEGER NOT NULL, first_byte INTEGER, ended_at INTEGER, lines INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL, conversation TEXT, retry_after REAL, rule INTEGER, worker TEXT NOT NULL, size INTEGER NOT NULL,
    tool_calls BLOB
);
CREATE UNIQUE INDEX entry_of ON entry (scenario, n);
"""


class Database:
    """One process's connection. `is_first`: no other process has the file open, so what it holds is of an earlier run.

    Without a folder it is one of this process alone, in a file without a name, which goes with it.
    """

    def __init__(self, folder: Path | None, *, keeps: bool = True) -> None:
        """Open it; what an earlier run has left stays only if it keeps that."""
        # Changes of this process.
        self.writes = 0
        self.is_first = True
        self.worker = ""
        self.path = None if folder is None else folder / "mock.db"
        self._liveness = None
        if folder is None:
            self._open("")
            return
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Another process that starts waits until this one has made the tables, and is counted.
        with FileLock(folder / "mock.lock"):
            self._liveness = Liveness(folder / "mock-workers")
            self.worker = self._liveness.id
            others = self._liveness.others()
            self.is_first = not others
            if self.is_first and not keeps:
                self._remove_files()
            try:
                self._open(self.path)
            except sqlite3.DatabaseError as error:
                if others or isinstance(error, sqlite3.OperationalError):
                    raise
                # Without syncs a host that loses its power may leave anything.
                self._remove_files()
                self._open(self.path)
            self._end_entries_of_the_dead(others)

    def _remove_files(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)

    def _open(self, path: Path | str | None) -> None:
        self._connection = sqlite3.connect(
            path or "", timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=200
        )
        for pragma in ("journal_mode = WAL", "synchronous = OFF", "journal_size_limit = 4194304", "cache_size = -256"):
            self.execute(f"PRAGMA {pragma}")
        if self.value("PRAGMA user_version") == VERSION:
            return
        with self.transaction():
            # What an older version has left is not worth a migration.
            for (name,) in self.rows(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            ):
                self.execute(f'DROP TABLE "{name}"')
            for statement in filter(str.strip, SCHEMA.split(";")):
                self.execute(statement)
            self.execute(f"PRAGMA user_version = {VERSION}")

    def _end_entries_of_the_dead(self, living: set[str]) -> None:
        for (worker,) in self.rows("SELECT DISTINCT worker FROM hold"):
            if worker not in living:
                self.execute("DELETE FROM hold WHERE worker = ?", worker)
        dead = {worker for (worker,) in self.rows("SELECT DISTINCT worker FROM entry WHERE ended_at IS NULL")} - living
        with self.transaction():
            for worker in dead:
                self.execute(
                    "UPDATE entry SET state = 'error', ended_at = at WHERE worker = ? AND ended_at IS NULL", worker
                )

    def close(self) -> bool:
        """Close the file. True if no other process has it open."""
        self._connection.close()
        if self._liveness is None or self.path is None:
            return True
        # Of two that end at once one is the last.
        with FileLock(self.path.with_name("mock.lock")):
            is_last = not self._liveness.others()
            self._liveness.close()
        return is_last

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for another thread to read with."""
        if self.path is None:
            yield self._connection
            return
        with closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS, check_same_thread=False)) as connection:
            yield connection

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        """Execute a statement."""
        return self._connection.execute(statement, values)

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """All rows of a query."""
        return self._connection.execute(statement, values).fetchall()

    def row(self, statement: str, *values: Any) -> Any:
        """The first row of a query, or None."""
        return self._connection.execute(statement, values).fetchone()

    def value(self, statement: str, *values: Any) -> Any:
        """The first value of a query's first row, or None."""
        row = self._connection.execute(statement, values).fetchone()
        return row[0] if row else None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A context whose statements are done together, or not at all. Nothing may be awaited in it."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise
        self.writes += 1

    def version(self) -> tuple[int, int]:
        """What is another after each change, whichever process made it."""
        return self.value("PRAGMA data_version"), self.writes
