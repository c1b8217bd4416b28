"""What the databases of a data folder have in common: how they are opened, made, and brought to the newest schema."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from ..values import DiskFull, OlderVersion, StorageError

BUSY_TIMEOUT_MS = 10_000
Row = tuple[Any, ...]
Execute = Callable[..., list[Row]]
"""One statement of a transaction: `execute(statement, *values)` returns its rows, RETURNING included."""
Step: TypeAlias = str | Callable[[sqlite3.Connection], None]
"""A step of a schema: a script, or a function that works within the transaction that it is given."""


# SQLite's codes for a disk or a file that cannot be used, and for one that others hold for too long.
_UNUSABLE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}


@contextmanager
def storage_errors() -> Iterator[None]:
    """Raise StorageError for what is the disk's fault, and not that of a statement."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code not in _UNUSABLE:
            raise
        raise (DiskFull if code == sqlite3.SQLITE_FULL else StorageError)(str(error)) from error
    except OSError as error:
        kind = DiskFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else StorageError
        raise kind(error.strerror or type(error).__name__) from error


def connect(path: Path, **options: Any) -> sqlite3.Connection:
    """A connection that any one thread at a time may use; `options` are sqlite3's own."""
    connection: sqlite3.Connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_MS / 1000, check_same_thread=False, **options
    )
    connection.execute("PRAGMA synchronous=NORMAL")
    # The log goes into the database every half megabyte, and keeps no more room than that. While turns run it may grow:
    # see `tidying`.
    connection.execute("PRAGMA wal_autocheckpoint=128")
    connection.execute("PRAGMA journal_size_limit=524288")
    return connection


def text(stored: object) -> str:
    """A stored text, even if it is damaged: one that is no UTF-8 must not hide the rows around it."""
    return stored.decode(errors="replace") if isinstance(stored, bytes) else str(stored)


def integer(stored: object) -> int:
    """A stored number that is shown; 0 if it is damaged."""
    return stored if isinstance(stored, int) else 0


def prepare(path: Path, set_up: Callable[[sqlite3.Connection], None]) -> None:
    """Make the database, or bring it up to date; the caller keeps other processes out meanwhile.

    OSError where it cannot be: it is damaged, say, or a newer version's.
    """
    with database_errors(path), closing(connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        set_up(connection)


@contextmanager
def database_errors(path: Path) -> Iterator[None]:
    """Raise OSError for whatever is wrong with the database."""
    try:
        yield
    except sqlite3.Error as error:
        raise OSError(errno.EIO, f"{path.name}: {error}") from error


def refuse_older(path: Path, steps: Sequence[Step]) -> None:
    """Raise OlderVersion if the database is there and lacks some of these steps. It stays as it is."""
    if not path.exists():
        return
    with database_errors(path), closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000)) as connection:
        (taken,) = connection.execute("PRAGMA user_version").fetchone()
        (has_tables,) = connection.execute("SELECT EXISTS (SELECT 1 FROM sqlite_master)").fetchone()
    if has_tables and taken < len(steps):
        raise OlderVersion(taken, len(steps))


def migrate(connection: sqlite3.Connection, steps: Sequence[Step]) -> None:
    """Take the steps that this database has not taken: PRAGMA user_version is the number of the last one.

    OSError where it has taken steps that nobody here knows: what this version would write there might be wrong.
    """
    (taken,) = connection.execute("PRAGMA user_version").fetchone()
    if taken > len(steps):
        raise OSError(errno.ENOTSUP, "a newer version of this service has written it")
    for number, step in enumerate(steps[taken:], start=taken + 1):
        if isinstance(step, str):
            connection.executescript(f"BEGIN IMMEDIATE; {step} PRAGMA user_version = {number}; COMMIT;")
        else:
            connection.execute("BEGIN IMMEDIATE")
            step(connection)
            connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
