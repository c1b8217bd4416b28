"""Stored vectors: unit vectors of 16-bit numbers, and their signs, a few large rows for each file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...signs import Rotation, decode, encode, random_flips, unit
from ..database import Execute
from .staging import BUMP

if TYPE_CHECKING:
    from ...signs import Vector

__all__ = ["ADOPT", "MODEL", "OUTDATED", "UNFINISHED", "add", "decode", "embed_with", "next_outdated"]

_UNFINISHED = "published AND model = %s AND vector_count < passage_count"
OUTDATED = f"SELECT count(*) FROM passage_files WHERE published AND model IS DISTINCT FROM %s OR {_UNFINISHED}"
UNFINISHED = f"SELECT userid, file_id FROM passage_files WHERE {_UNFINISHED} ORDER BY number"
MODEL = "SELECT model FROM passage_files WHERE file_id = %s"
ADOPT = "UPDATE passage_files SET model = %s WHERE model IS NULL AND vector_count > 0"
_LOCK = """SELECT number, owner, userid, passage_count FROM passage_files
    WHERE file_id = %s AND passage_count IS NOT NULL FOR NO KEY UPDATE"""
_BUMP = f"""WITH file AS (SELECT owner, published AS was_published FROM passage_files WHERE number = %s)
    {BUMP.format(file="file")}"""


async def add(execute: Execute, file_id: str, vectors: Sequence[tuple[int, Vector]]) -> None:
    """Store vectors by position in the file, with their signs, within a transaction.

    A vector without a direction is stored as zeros, and never found.
    """
    import numpy as np

    locked = await execute(_LOCK, file_id)
    if not locked:
        return
    number, _, userid, count = locked[0]
    given = {position: (vector, unit(vector)) for position, vector in vectors if 0 <= position < count}
    added = await execute(
        """INSERT INTO vectors (file, position, userid, vector)
        SELECT %s, position, %s, vector FROM unnest(%s::integer[], %s::bytea[]) AS given (position, vector)
        ON CONFLICT DO NOTHING RETURNING position""",
        *(number, userid, list(given)),
        [
            encode(np.zeros(len(vector), np.float32) if direction is None else direction)
            for vector, direction in given.values()
        ],
    )
    rotated: dict[int, dict[int, Vector]] = {}
    for (position,) in added:
        vector, direction = given[position]
        if direction is not None:
            rotated.setdefault(len(vector), {})[position] = direction
    for dimension, directions in rotated.items():
        rotation = await _rotation(execute, dimension)
        await execute(
            "INSERT INTO signs (file, userid, dimension, positions, bits) VALUES (%s, %s, %s, %s, %s)",
            *(number, userid, dimension, np.array(list(directions), "<u4").tobytes()),
            rotation.signs(np.stack(list(directions.values()))).tobytes(),
        )
    await execute("UPDATE passage_files SET vector_count = vector_count + %s WHERE number = %s", len(added), number)
    await execute(_BUMP, number)


async def embed_with(execute: Execute, file_id: str, model: str) -> None:
    """Delete the file's vectors, unless they are of this model, which it has from now on, within a transaction."""
    rows = await execute(
        """SELECT number FROM passage_files WHERE file_id = %s AND passage_count IS NOT NULL
        AND model IS DISTINCT FROM %s FOR NO KEY UPDATE""",
        *(file_id, model),
    )
    for (number,) in rows:
        await execute("DELETE FROM vectors WHERE file = %s", number)
        await execute("DELETE FROM signs WHERE file = %s", number)
        await execute("UPDATE passage_files SET model = %s, vector_count = 0 WHERE number = %s", model, number)
        await execute(_BUMP, number)


async def next_outdated(execute: Execute, model: str) -> tuple[str, str] | None:
    """Owner and id of the oldest published file without vectors of this model, which it is to have from now on."""
    rows = await execute(
        """SELECT userid, file_id FROM passage_files WHERE published AND model IS DISTINCT FROM %s
        ORDER BY number LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED""",
        model,
    )
    for userid, file_id in rows:
        await embed_with(execute, file_id, model)
        return userid, file_id
    return None


async def _rotation(execute: Execute, dimension: int) -> Rotation:
    """The rotation of that dimension, made in this transaction if it is missing."""
    await execute(
        "INSERT INTO rotations (dimension, flips) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        *(dimension, random_flips(dimension)),
    )
    # A second statement: it sees the row of another process for which the first one has waited.
    [(flips,)] = await execute("SELECT flips FROM rotations WHERE dimension = %s", dimension)
    return Rotation(dimension, flips)
