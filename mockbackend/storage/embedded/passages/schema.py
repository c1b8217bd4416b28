"""The schema of the database, as numbered steps.

SQLite stores the comments within a statement, so they never change once they are released.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from ...passages import Passage
from .. import sqlite

NAME = "documents.db"
MIGRATIONS = (
    """
    -- The version is counted up by every change of what can be found of the owner, in any process.
    CREATE TABLE owners (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        userid TEXT NOT NULL UNIQUE,
        version INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE files (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        file_id TEXT NOT NULL UNIQUE,
        owner INTEGER NOT NULL,
        name TEXT,
        -- NULL until all passages are there, and again once the file is being forgotten.
        passage_count INTEGER,
        vector_count INTEGER NOT NULL DEFAULT 0,
        -- So many passages, from the first, are in the word index.
        indexed_count INTEGER NOT NULL DEFAULT 0,
        -- Whether it shall be findable, and whether it is.
        wanted BOOLEAN NOT NULL DEFAULT FALSE,
        published BOOLEAN NOT NULL DEFAULT FALSE,
        -- Lengths of the passages in characters, 32 bits each.
        lengths BLOB
    );
    CREATE INDEX files_of ON files (owner);
    CREATE TABLE passages (
        id INTEGER PRIMARY KEY,
        text TEXT NOT NULL,
        place TEXT NOT NULL,
        heading TEXT NOT NULL
    );
    -- Unit vectors, 16 bits a number.
    CREATE TABLE vectors (
        passage INTEGER PRIMARY KEY,
        vector BLOB NOT NULL
    );
    -- The sign bits of vectors that were stored together: a few large rows are read much faster than many small ones.
    CREATE TABLE signs (
        id INTEGER PRIMARY KEY,
        file INTEGER NOT NULL,
        dimension INTEGER NOT NULL,
        positions BLOB NOT NULL,
        bits BLOB NOT NULL
    );
    CREATE INDEX signs_of ON signs (file);
    -- The rotation of the vectors of a dimension before their signs are taken. It is made once.
    CREATE TABLE rotations (
        dimension INTEGER PRIMARY KEY,
        flips BLOB NOT NULL
    );
    -- The terms are made in Python, so the tokenizer only has to split them at spaces.
    CREATE VIRTUAL TABLE words USING fts5 (terms, content='', detail=none, columnsize=0, tokenize='ascii');
    """,
    """
    -- The embedding model that the file's vectors are of.
    ALTER TABLE files ADD COLUMN model TEXT;
    """,
)


def prepare(path: Path) -> None:
    """Prepare this database by `sqlite.prepare`."""
    sqlite.prepare(path, lambda connection: sqlite.migrate(connection, MIGRATIONS))


def decode_passage(texts: Iterable[object]) -> Passage:
    """The passage of a row's text, place and heading, whatever they hold."""
    return Passage(*map(sqlite.text, texts))


def storable(text: str) -> str:
    """The text without lone surrogates, which SQLite refuses."""
    return text.encode("utf-8", "replace").decode()


def bump_version(connection: sqlite3.Connection, number: int) -> None:
    """Count up the version of the file's owner, if the file is published: every process then loads it again."""
    connection.execute(
        """UPDATE owners SET version = version + 1
        WHERE number = (SELECT owner FROM files WHERE number = ? AND published)""",
        (number,),
    )
