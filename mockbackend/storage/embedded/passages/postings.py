"""Postings: which passages hold a term, and how often, as rows of an FTS5 table.

A term begins with its owner's number, so that a query never reads what other owners have of it. FTS5's own bm25()
counts the passages of all owners and takes 130 ms for a term that 100,000 passages have. Reading the frequencies takes
a fifth of that, and frequent terms need not be read at all.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from ...passages import Passage, first_id
from ...terms import passage_terms
from ..sqlite import integer, text
from .schema import decode_passage

if TYPE_CHECKING:
    from ...signs import Numbers

# The frequency is in the rowid
#
# BM25 has to know how often a passage holds a term. FTS5 stores frequencies only together with positions, which doubles
# the table; with detail=none it stores no more than a set of rowids for each term. So a passage has one row for each
# frequency that occurs in it, and that row holds the terms which occur so often:
#
#     rowid = passage id << 3 | frequency           frequency is 1 to 7, and 7 stands for "7 or more"
#
# Why this is right:
# - A term stands in exactly one row of a passage, since `posting_rows` groups the terms of one Counter. Reading a term
#   therefore gives each passage at most once, and the low three bits are its frequency there.
# - The frequency fills its bits and never carries: it is at least 1 and cut off at 7. `rowid >> 3` is the passage, and
#   no two rows collide. Cutting off costs little: BM25 gives a frequency of 7 about 85 % of what it gives any other.
# - Rowids sort by passage, then by frequency, so the passages `first` to `last` are the rowids `first << 3` to
#   `last << 3 | 7`.
# - A rowid has 63 bits: 3 for the frequency, 32 for the position, 28 for the file. From file 2^28 on sqlite3 raises
#   OverflowError; nothing wrong is ever stored.
#
# What would break it:
# - Removing other rows than were added. The table keeps no content, so its 'delete' relies on being given what a row
#   held; anything else leaves stray entries or damages the table. `remove` makes the rows once more, from the stored
#   passage, the owner's number and the file's name. None of these may change while `indexed_count` is above 0: a file
#   keeps the name of its first publication, and its passages are deleted only after their rows.
# - Another `terms()`, or another FREQUENCY_BITS, for the same reason: it needs a migration that fills the table again.
# - Adding or removing rows without changing `indexed_count` in the same transaction: it says that the rows of exactly
#   the passages before it are in the table.
FREQUENCY_BITS = 3
MAX_FREQUENCY = (1 << FREQUENCY_BITS) - 1
# Passages whose rows are added or removed in one transaction.
BATCH_PASSAGES = 250

Row = tuple[int, str]


def posting_rows(owner: int, name: str, passage_id: int, passage: Passage) -> list[Row]:
    """The rows of a passage: the terms of its text and headings, and of the name of its file."""
    by_frequency: dict[int, list[str]] = {}
    for term, count in passage_terms(passage, name).items():
        by_frequency.setdefault(min(count, MAX_FREQUENCY), []).append(_key(owner, term))
    return [(passage_id << FREQUENCY_BITS | count, " ".join(by_frequency[count])) for count in sorted(by_frequency)]


def next_rows(connection: sqlite3.Connection, number: int) -> tuple[int, int, list[Row]] | None:
    """The rows that a wanted file lacks next: of the passages from one position up to another."""
    row = connection.execute(
        "SELECT owner, name, indexed_count FROM files WHERE number = ? AND wanted AND indexed_count < passage_count",
        (number,),
    ).fetchone()
    if row is None:
        return None
    owner, name, start = row
    end = start + BATCH_PASSAGES
    return start, end, _rows(connection, number, owner, name, start, end)


def add(connection: sqlite3.Connection, number: int, start: int, end: int, rows: list[Row]) -> None:
    """Add these rows, unless another process has added them or the file is not wanted any more."""
    if connection.execute(
        """UPDATE files SET indexed_count = min(?, passage_count)
        WHERE number = ? AND indexed_count = ? AND wanted AND passage_count IS NOT NULL""",
        (end, number, start),
    ).rowcount:
        connection.executemany("INSERT INTO words (rowid, terms) VALUES (?, ?)", rows)


def remove(connection: sqlite3.Connection, number: int) -> bool:
    """Remove the rows of the file's last passages. False once none are left."""
    row = connection.execute(
        "SELECT owner, name, indexed_count FROM files WHERE number = ? AND indexed_count > 0 AND NOT wanted", (number,)
    ).fetchone()
    if row is None:
        return False
    owner, name, indexed = row
    # The number may be damaged: there are no more rows than passages.
    [(last,)] = connection.execute(
        "SELECT max(id) FROM passages WHERE id >= ? AND id < ?", (first_id(number), first_id(number + 1))
    )
    end = min(integer(indexed), 0 if last is None else last - first_id(number) + 1)
    start = max(0, end - BATCH_PASSAGES)
    connection.executemany(
        "INSERT INTO words (words, rowid, terms) VALUES ('delete', ?, ?)",
        _rows(connection, number, owner, text(name), start, end),
    )
    connection.execute("UPDATE files SET indexed_count = ? WHERE number = ?", (start, number))
    return True


def count(connection: sqlite3.Connection, match: str, first: int, last: int, limit: int) -> int:
    """How many rows `match` finds in passages `first` to `last`, counted up to `limit`."""
    ((number,),) = connection.execute(
        """SELECT count(*) FROM
        (SELECT 1 FROM words WHERE words MATCH ? AND rowid BETWEEN ? AND ? LIMIT ?)""",
        (match, *_rowids(first, last), limit),
    )
    return int(number)


def read(connection: sqlite3.Connection, match: str, first: int, last: int, limit: int) -> tuple[Numbers, Numbers]:
    """The passages that `match` finds between `first` and `last`, and how often: the first `limit` rows."""
    import numpy as np

    # One string of numbers is read three times faster than as many rows.
    ((found,),) = connection.execute(
        """SELECT group_concat(rowid) FROM
        (SELECT rowid FROM words WHERE words MATCH ? AND rowid BETWEEN ? AND ? LIMIT ?)""",
        (match, *_rowids(first, last), limit),
    )
    rowids = np.fromstring(found or "", np.int64, sep=",")
    return rowids >> FREQUENCY_BITS, rowids & MAX_FREQUENCY


def match_expression(owner: int, term: str, *, prefix: bool) -> str:
    """What FTS5 is asked for the owner's term, or for all terms that begin with it."""
    return f'"{_key(owner, term)}"{" *" if prefix else ""}'


def _key(owner: int, term: str) -> str:
    return f"{owner}z{term}"


def _rowids(first: int, last: int) -> tuple[int, int]:
    return first << FREQUENCY_BITS, last << FREQUENCY_BITS | MAX_FREQUENCY


def _rows(connection: sqlite3.Connection, number: int, owner: int, name: str, start: int, end: int) -> list[Row]:
    first = first_id(number)
    found = connection.execute(
        "SELECT id, text, place, heading FROM passages WHERE id >= ? AND id < ? ORDER BY id",
        (first + start, first + end),
    )
    return [row for passage_id, *texts in found for row in posting_rows(owner, name, passage_id, decode_passage(texts))]
