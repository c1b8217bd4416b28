"""What a service has stored, read from outside."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any


def rows(data: Path, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Rows of a data folder's metadata database, read from outside."""
    with closing(sqlite3.connect(data / "conversation_metadata.db", timeout=10)) as connection:
        return connection.execute(statement, values).fetchall()


def files(folder: Path, pattern: str = "*") -> Iterator[str]:
    """The names of the files there."""
    return (path.name for path in folder.glob(pattern) if path.is_file())
