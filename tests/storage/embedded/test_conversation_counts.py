"""A user's conversations are counted once, until another process writes or the limit is near."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from mockbackend.storage import TooManyConversations
from mockbackend.storage.embedded import conversation_counts
from mockbackend.storage.embedded.conversation_counts import MANY, ConversationCounts
from mockbackend.storage.embedded.sqlite import Row

LIMIT = 3 * MANY


class Folder:
    """The table, as one process has it open, and how often that has counted."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("CREATE TABLE IF NOT EXISTS conversations (userid TEXT)")
        self.counts = ConversationCounts()
        self.counted = 0

    def execute(self, statement: str, *values: Any) -> list[Row]:
        self.counted += statement.startswith("SELECT count")
        return self.connection.execute(statement, values).fetchall()

    def make(self, conversations: int = 1, userid: str = "ann") -> None:
        """Make conversations, each in a transaction of its own."""
        for _ in range(conversations):
            with self.transaction():
                self.execute("INSERT INTO conversations VALUES (?)", userid)
                self.counts.add(self.execute, userid, LIMIT)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.execute("ROLLBACK")
            raise
        self.execute("COMMIT")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    folder = Folder(tmp_path / "db")
    with closing(folder.connection):
        yield folder


def test_many_are_counted_once(folder: Folder) -> None:
    folder.make(MANY)
    assert folder.counted == MANY
    folder.make(MANY)
    assert folder.counted == MANY


def test_the_limit_is_met_exactly(folder: Folder) -> None:
    folder.make(LIMIT)
    for _ in range(2):
        with pytest.raises(TooManyConversations):
            folder.make()
    folder.make(userid="bob")
    folder.execute("DELETE FROM conversations WHERE rowid = 1")
    folder.make()
    with pytest.raises(TooManyConversations):
        folder.make()


def test_what_another_process_makes_counts(folder: Folder, tmp_path: Path) -> None:
    folder.make(MANY)
    other = Folder(tmp_path / "db")
    with closing(other.connection):
        other.make(LIMIT - MANY - 1)
        folder.make()
        with pytest.raises(TooManyConversations):
            folder.make()


def test_a_transaction_that_was_undone_takes_no_place(folder: Folder) -> None:
    folder.make(MANY)
    for _ in range(LIMIT):
        folder.execute("BEGIN IMMEDIATE")
        folder.execute("INSERT INTO conversations VALUES ('ann')")
        folder.counts.add(folder.execute, "ann", LIMIT)
        folder.execute("ROLLBACK")
    folder.make(LIMIT - MANY)
    with pytest.raises(TooManyConversations):
        folder.make()


def test_who_has_come_first_is_forgotten_first(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation_counts, "MANY", 0)
    monkeypatch.setattr(conversation_counts, "MOST_USERS", 2)
    for userid in ("ann", "bob", "ann", "cid", "ann"):
        folder.make(userid=userid)
    assert folder.counted == 3
    folder.make(userid="bob")
    assert folder.counted == 4
