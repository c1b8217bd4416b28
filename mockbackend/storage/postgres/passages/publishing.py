"""Publication: statements by which a staged file becomes part of snapshots, and leaves them again.

Postings say which passages hold a term, and how often. A row has those of one term in some hundred passages, so a
query reads few rows, and none that is another owner's.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from ...passages import Passage
from ...terms import passage_terms
from ..database import Statement
from .staging import BUMP

# Passages whose postings are written in one statement.
BATCH_PASSAGES = 250
# More than that says nothing more.
MAX_FREQUENCY = 7
Postings: TypeAlias = "dict[str, tuple[array[int], array[int]]]"
"""By term: positions, and how often each holds it."""

# A file keeps the name of its first publication, which its postings hold.
BEGIN = """UPDATE passage_files SET wanted = TRUE, name = coalesce(name, %(name)s)
    WHERE file_id = %(file_id)s AND userid = %(userid)s AND passage_count IS NOT NULL AND NOT published
    RETURNING number, indexed_count, name"""
NEXT = """SELECT position, text, place, heading FROM passages WHERE file = %s AND position >= %s AND position < %s
    ORDER BY position"""
END = f"""WITH file AS (UPDATE passage_files SET published = TRUE
        WHERE number = %s AND wanted AND NOT published AND indexed_count = passage_count
        RETURNING owner, TRUE AS was_published)
    {BUMP.format(file="file")}"""


def postings(name: str, passages: Iterable[tuple[Any, ...]]) -> Postings:
    """The postings of these passages: of their texts and headings, and of the name of their file."""
    found: Postings = {}
    for position, *texts in passages:
        for term, count in passage_terms(Passage(*texts), name).items():
            positions, counts = found.setdefault(term, (array("I"), array("B")))
            positions.append(position)
            counts.append(min(count, MAX_FREQUENCY))
    return found


def add(number: int, start: int, end: int, found: Postings) -> Statement:
    """What stores postings, unless another process has stored them or the file is not wanted any more."""
    columns: Sequence[list[Any]] = (
        list(found),
        [positions.tobytes() for positions, _ in found.values()],
        [counts.tobytes() for _, counts in found.values()],
    )
    return (
        """WITH step AS (UPDATE passage_files SET indexed_count = least(%s, passage_count)
            WHERE number = %s AND indexed_count = %s AND wanted AND passage_count IS NOT NULL
            RETURNING number, owner, userid)
        INSERT INTO postings (owner, term, file, start, userid, positions, counts)
        SELECT owner, term, number, %s, userid, positions, counts
        FROM step, unnest(%s::text[], %s::bytea[], %s::bytea[]) AS given (term, positions, counts)""",
        *(end, number, start, start, *columns),
    )


def withdraw(userid: str, file_id: str) -> list[Statement]:
    """What hides the owner's file, and then removes its postings."""
    home = "file_id = %s AND userid = %s"
    return [
        (
            f"""WITH before AS (SELECT number, owner, published AS was_published FROM passage_files WHERE {home}
                FOR UPDATE),
            bumped AS ({BUMP.format(file="before")})
            UPDATE passage_files SET wanted = FALSE, published = FALSE, indexed_count = 0 FROM before
            WHERE passage_files.number = before.number""",
            *(file_id, userid),
        ),
        (
            f"DELETE FROM postings WHERE file = (SELECT number FROM passage_files WHERE {home})",
            *(file_id, userid),
        ),
    ]
