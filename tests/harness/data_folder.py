"""What a service has stored, read from outside; and a folder in which nothing is stored yet."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

from mockbackend.storage.embedded import checkpoints, database
from mockbackend.storage.embedded.passages import schema as passages


def rows(data: Path, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Rows of a data folder's metadata database, read from outside."""
    with closing(sqlite3.connect(data / "conversation_metadata.db", timeout=10)) as connection:
        return connection.execute(statement, values).fetchall()


def files(folder: Path, pattern: str = "*") -> Iterator[str]:
    """The names of the files there."""
    return (path.name for path in folder.glob(pattern) if path.is_file())


def make(data: Path) -> None:
    """The folder as a first start leaves it, but for what a service makes at each start."""
    data.mkdir(mode=0o700, parents=True)
    for name, content in _databases().items():
        (data / name).touch(mode=0o600)
        (data / name).write_bytes(content)


@cache
def _databases() -> dict[str, bytes]:
    """The databases, by their names: to make their tables takes ten times as long as to copy them."""
    folder = Path(tempfile.mkdtemp())
    database.prepare(folder / database.NAME)
    checkpoints.prepare(folder / checkpoints.NAME)
    passages.prepare(folder / "documents.db")
    made = {path.name: path.read_bytes() for path in folder.iterdir()}
    shutil.rmtree(folder)
    return made
