"""One state of the database, as an index reads it."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...passages import Passage, PublishedFile, SignBlock
from ...signs import decode_all, padded
from ..sqlite import text
from . import postings
from .schema import decode_passage
from .vectors import load_rotation

if TYPE_CHECKING:
    from ...signs import Numbers, Rotation, Vector

log = logging.getLogger("mockbackend.storage")


class Snapshot:
    """The contract's Snapshot, within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def owner(self, userid: str) -> tuple[int, int] | None:
        row: tuple[int, int] | None = self._connection.execute(
            "SELECT number, version FROM owners WHERE userid = ?", (userid,)
        ).fetchone()
        return row

    def files(self, owner: int) -> list[PublishedFile]:
        import numpy as np

        rows = self._connection.execute(
            "SELECT number, file_id, lengths FROM files WHERE owner = ? AND published ORDER BY number", (owner,)
        )
        return [
            PublishedFile(number, text(file_id), np.frombuffer(lengths, np.uint32).astype(np.int64))
            for number, file_id, lengths in rows
            if isinstance(lengths, bytes) and len(lengths) % 4 == 0
        ]

    def signs(self, owner: int, model: str = "") -> list[SignBlock]:
        import numpy as np

        rows = self._connection.execute(
            """SELECT file, dimension, positions, bits FROM files JOIN signs ON file = number
            WHERE owner = ? AND published AND (model = ? OR ? = '') ORDER BY number""",
            (owner, model, model),
        )
        return [
            SignBlock(
                file,
                dimension,
                np.frombuffer(positions, "<u4").astype(np.int64),
                np.frombuffer(bits, np.uint64).reshape(len(positions) // 4, -1),
            )
            for file, dimension, positions, bits in rows
            if isinstance(dimension, int)
            and isinstance(positions, bytes)
            and isinstance(bits, bytes)
            and len(bits) * 8 * 4 == len(positions) * padded(dimension)
        ]

    def rotation(self, dimension: int) -> Rotation | None:
        try:
            return load_rotation(self._connection, dimension)
        except (ValueError, TypeError):
            log.exception("the rotation of vectors of %d numbers is damaged: only words are searched", dimension)
            return None

    def count_postings(self, owner: int, term: str, *, prefix: bool, first: int, last: int, limit: int) -> int:
        match = postings.match_expression(owner, term, prefix=prefix)
        return postings.count(self._connection, match, first, last, limit)

    def postings(
        self, owner: int, term: str, *, prefix: bool, first: int, last: int, limit: int
    ) -> tuple[Numbers, Numbers]:
        match = postings.match_expression(owner, term, prefix=prefix)
        return postings.read(self._connection, match, first, last, limit)

    def vectors(self, ids: Sequence[int], dimension: int) -> Vector:
        rows = self._connection.execute(
            f"SELECT passage, vector FROM vectors WHERE passage IN ({', '.join('?' * len(ids))})", ids
        )
        found = {
            passage: vector for passage, vector in rows if isinstance(vector, bytes) and len(vector) == dimension * 2
        }
        return decode_all([found.get(passage, bytes(dimension * 2)) for passage in ids])

    def passages(self, ids: Sequence[int]) -> list[Passage | None]:
        # One by one: they are a handful, and come back in the given order.
        statement = "SELECT text, place, heading FROM passages WHERE id = ?"
        rows = [self._connection.execute(statement, (passage,)).fetchone() for passage in ids]
        return [decode_passage(row) if row else None for row in rows]
