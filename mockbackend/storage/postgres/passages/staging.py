"""Staging: statements for passages and vectors on their way into an index.

Whoever writes something of a file locks its row, which `remove` locks first: nothing is written for one that is gone.
"""

from __future__ import annotations

import uuid
from array import array
from collections.abc import Sequence

from ...passages import Passage
from ..database import Statement

BATCH_ROWS = 500

# Counts up the version of the owner of a file that was published until now: every process then loads it again.
BUMP = """UPDATE passage_owners SET version = version + 1 FROM {file}
    WHERE passage_owners.number = {file}.owner AND {file}.was_published"""
_STAGED = "SELECT number, passage_count FROM passage_files WHERE file_id = %s AND passage_count IS NOT NULL"
COUNT = f"""SELECT (SELECT count(*) FROM vectors WHERE file = staged.number), passage_count FROM ({_STAGED}) staged"""
PENDING = f"""SELECT position, text, place, heading FROM ({_STAGED}) staged JOIN passages ON file = staged.number
    WHERE position > %s AND NOT EXISTS (
        SELECT 1 FROM vectors WHERE file = staged.number AND vectors.position = passages.position)
    ORDER BY position LIMIT %s"""
READ = f"""SELECT passages.position, vector, text, place, heading FROM ({_STAGED}) staged
    JOIN passages ON passages.file = staged.number
    LEFT JOIN vectors ON vectors.file = passages.file AND vectors.position = passages.position
    WHERE passages.position > %s ORDER BY passages.position LIMIT %s"""
HIDE = f"""WITH before AS (SELECT number, owner, published AS was_published FROM passage_files WHERE file_id = %s
        FOR UPDATE),
    bumped AS ({BUMP.format(file="before")})
    UPDATE passage_files SET passage_count = NULL, wanted = FALSE, published = FALSE FROM before
    WHERE passage_files.number = before.number RETURNING passage_files.number"""


def begin(file_id: str, userid: str) -> list[Statement]:
    """What makes the row of a new file; the last returns its number, unless another has made one of that id."""
    staging = uuid.uuid4().hex
    return [
        ("INSERT INTO passage_owners (userid) VALUES (%s) ON CONFLICT DO NOTHING", userid),
        (
            """INSERT INTO passage_files (file_id, owner, userid, staging)
            SELECT %s, number, userid, %s FROM passage_owners WHERE userid = %s FOR KEY SHARE
            ON CONFLICT (file_id) DO NOTHING""",
            *(file_id, staging, userid),
        ),
        # Sent again after a lost answer, it finds its own.
        ("SELECT number FROM passage_files WHERE file_id = %s AND staging = %s", file_id, staging),
    ]


def add(number: int, start: int, passages: Sequence[Passage]) -> Statement:
    """What stores some passages, from position `start` on."""
    columns = ([storable(getattr(passage, name)) for passage in passages] for name in ("text", "place", "heading"))
    return (
        """WITH home AS (SELECT number, userid FROM passage_files WHERE number = %s FOR KEY SHARE)
        INSERT INTO passages (file, position, userid, text, place, heading)
        SELECT home.number, %s + given.number - 1, userid, text, place, heading FROM home,
        unnest(%s::text[], %s::text[], %s::text[]) WITH ORDINALITY AS given (text, place, heading, number)
        ON CONFLICT DO NOTHING""",
        *(number, start, *columns),
    )


def end(number: int, lengths: array[int]) -> Statement:
    """What marks the file as staged: these are the lengths of all its passages."""
    return (
        "UPDATE passage_files SET passage_count = %s, lengths = %s WHERE number = %s",
        *(len(lengths), lengths.tobytes(), number),
    )


def remove(file_id: str) -> list[Statement]:
    """What deletes a hidden file, and its owner with the last one."""
    number = "(SELECT number FROM passage_files WHERE file_id = %s AND passage_count IS NULL)"
    return [
        (f"SELECT 1 FROM passage_files WHERE number = {number} FOR UPDATE", file_id),
        *((f"DELETE FROM {table} WHERE file = {number}", file_id) for table in _TABLES),
        (
            """WITH gone AS (DELETE FROM passage_files WHERE file_id = %s AND passage_count IS NULL
            RETURNING number, owner)
            DELETE FROM passage_owners USING gone WHERE passage_owners.number = gone.owner AND NOT EXISTS (
                SELECT 1 FROM passage_files f WHERE f.owner = gone.owner AND f.number <> gone.number)""",
            file_id,
        ),
    ]


def storable(text: str) -> str:
    """The text without lone surrogates, which are no Unicode."""
    return text.encode("utf-8", "replace").decode()


_TABLES = ("postings", "signs", "vectors", "passages")
