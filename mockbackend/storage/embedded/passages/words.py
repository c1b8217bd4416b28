"""The word index: which passages hold a term, and how often; ranked by BM25 over the owner's own passages.

A term begins with its owner's number, so that what others have of it is never looked at. FTS5 keeps no frequencies
without positions, which would double the index; so a passage has a row for each frequency, with the terms that it
holds so often, and `rowid & 7` is the frequency. FTS5's own bm25() counts all owners' passages and takes 130 ms for
a term that 100,000 have; reading the frequencies takes a fifth of that, and terms that hardly tell passages apart
need not be read at all.
"""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from typing import TYPE_CHECKING

from ....passages import Passage
from .schema import first_id
from .terms import query_terms, terms

if TYPE_CHECKING:
    from .owner_index import OwnerIndex
    from .vectors import Flags, Numbers

FREQUENCY_BITS = 3
HIGHEST = (1 << FREQUENCY_BITS) - 1
# Passages whose words leave or enter the index in one transaction.
AT_ONCE = 250
# Terms of one query, and entries of the index that it reads: the rarest terms first, since they tell most.
MAX_TERMS = 64
MAX_ENTRIES = 10_000
# BM25's usual constants.
K1, B = 1.2, 0.75

Row = tuple[int, str]


def rows(owner: int, name: str, passage: int, what: Passage) -> list[Row]:
    """The index's rows of a passage: its text and headings, and the name of its file."""
    counted = Counter(terms(what.text))
    counted.update(set(terms(f"{what.heading}\n{name}")))
    by_frequency: dict[int, list[str]] = {}
    for term, count in counted.items():
        by_frequency.setdefault(min(count, HIGHEST), []).append(f"{owner}z{term}")
    return [(passage << FREQUENCY_BITS | count, " ".join(by_frequency[count])) for count in sorted(by_frequency)]


def next_rows(connection: sqlite3.Connection, number: int) -> tuple[int, int, list[Row]] | None:
    """The next passages that the index lacks of a file that is wanted in it: from, up to, and their rows."""
    row = connection.execute(
        "SELECT owner, name, indexed_count FROM files WHERE number = ? AND wanted AND indexed_count < passage_count",
        (number,),
    ).fetchone()
    if row is None:
        return None
    owner, name, start = row
    end = start + AT_ONCE
    return start, end, _rows(connection, number, owner, name, start, end)


def add(connection: sqlite3.Connection, number: int, start: int, end: int, added: list[Row]) -> None:
    """Put these rows into the index, unless another process has, or the file is not wanted there any more."""
    if connection.execute(
        """UPDATE files SET indexed_count = min(?, passage_count)
        WHERE number = ? AND indexed_count = ? AND wanted AND passage_count IS NOT NULL""",
        (end, number, start),
    ).rowcount:
        connection.executemany("INSERT INTO words (rowid, terms) VALUES (?, ?)", added)


def remove(connection: sqlite3.Connection, number: int) -> bool:
    """Take some of a file's passages, the last ones, out of the index; False once there are none."""
    row = connection.execute(
        "SELECT owner, name, indexed_count FROM files WHERE number = ? AND indexed_count > 0 AND NOT wanted", (number,)
    ).fetchone()
    if row is None:
        return False
    owner, name, end = row
    start = max(0, end - AT_ONCE)
    connection.executemany(
        "INSERT INTO words (words, rowid, terms) VALUES ('delete', ?, ?)",
        _rows(connection, number, owner, name, start, end),
    )
    connection.execute("UPDATE files SET indexed_count = ? WHERE number = ?", (start, number))
    return True


def rank(connection: sqlite3.Connection, index: OwnerIndex, query: str, allowed: Flags | None, limit: int) -> Numbers:
    """The rows of `held` that the query's words find, best first."""
    import numpy as np

    first, last = index.span(allowed)
    scores = np.zeros(len(index.lengths), np.float32)
    count = len(scores) if allowed is None else int(allowed.sum())
    for match, begins, entries in _worth_reading(connection, index.owner, query, first, last):
        # One string of numbers is read three times sooner than as many rows.
        ((found,),) = connection.execute(
            """SELECT group_concat(rowid) FROM
            (SELECT rowid FROM words WHERE words MATCH ? AND rowid BETWEEN ? AND ? LIMIT ?)""",
            (match, first, last, entries),
        )
        entry = np.fromstring(found or "", np.int64, sep=",")
        row = index.rows(entry >> FREQUENCY_BITS)
        frequency = (entry & HIGHEST).astype(np.float32)
        wanted = row >= 0 if allowed is None else (row >= 0) & allowed[row]
        row, frequency = row[wanted], frequency[wanted]
        if begins:
            # Several terms of a passage may have this beginning.
            row, which = np.unique(row, return_inverse=True)
            frequency = np.bincount(which, frequency).astype(np.float32)
        rarity = math.log(1 + (count - len(row) + 0.5) / (len(row) + 0.5))
        scores[row] += rarity * frequency * (K1 + 1) / (frequency + K1 * (1 - B + B * index.lengths[row]))
    found_rows = np.flatnonzero(scores)
    return found_rows[np.argsort(-scores[found_rows], kind="stable")[:limit]]


def _worth_reading(
    connection: sqlite3.Connection, owner: int, query: str, first: int, last: int
) -> list[tuple[str, bool, int]]:
    """(what to match, whether it is a beginning, how many entries to read) of the query's terms, rarest first."""
    counted = []
    for term, begins in list(dict.fromkeys(query_terms(query)))[:MAX_TERMS]:
        match = f'"{owner}z{term}"{" *" if begins else ""}'
        ((entries,),) = connection.execute(
            """SELECT count(*) FROM
            (SELECT 1 FROM words WHERE words MATCH ? AND rowid BETWEEN ? AND ? LIMIT ?)""",
            (match, first, last, MAX_ENTRIES),
        )
        counted.append((entries, match, begins))
    worth, left = [], MAX_ENTRIES
    for entries, match, begins in sorted(counted):
        if entries > left:
            break
        worth.append((match, begins, entries))
        left -= entries
    return worth


def _rows(connection: sqlite3.Connection, number: int, owner: int, name: str, start: int, end: int) -> list[Row]:
    first = first_id(number)
    found = connection.execute(
        "SELECT id, text, place, heading FROM passages WHERE id >= ? AND id < ? ORDER BY id",
        (first + start, first + end),
    )
    return [row for passage, *texts in found for row in rows(owner, name, passage, Passage(*texts))]
