"""One state of the database, as an index reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...passages import MAX_POSITION, POSITION_BITS, Passage, PublishedFile, SignBlock
from ...signs import Rotation, decode_all
from .thread import Execute

if TYPE_CHECKING:
    from ...signs import Numbers, Vector

_GIVEN = """unnest(%s::bigint[], %s::integer[]) WITH ORDINALITY AS given (file, position, number)
    LEFT JOIN {table} USING (file, position) ORDER BY given.number"""


class Snapshot:
    """The contract's Snapshot, within one transaction."""

    def __init__(self, execute: Execute) -> None:
        self._execute = execute

    def owner(self, userid: str) -> tuple[int, int] | None:
        rows = self._execute("SELECT number, version FROM passage_owners WHERE userid = %s", userid)
        return (rows[0][0], rows[0][1]) if rows else None

    def files(self, owner: int) -> list[PublishedFile]:
        import numpy as np

        rows = self._execute(
            "SELECT number, file_id, lengths FROM passage_files WHERE owner = %s AND published ORDER BY number", owner
        )
        return [
            PublishedFile(number, file_id, np.frombuffer(lengths, np.uint32).astype(np.int64))
            for number, file_id, lengths in rows
        ]

    def signs(self, owner: int, model: str = "") -> list[SignBlock]:
        import numpy as np

        rows = self._execute(
            """SELECT file, dimension, positions, bits FROM passage_files f JOIN signs ON file = f.number
            WHERE owner = %s AND published AND (model = %s OR %s = '') ORDER BY file, signs.number""",
            *(owner, model, model),
        )
        return [
            SignBlock(
                file,
                dimension,
                np.frombuffer(positions, "<u4").astype(np.int64),
                np.frombuffer(bits, np.uint64).reshape(len(positions) // 4, -1),
            )
            for file, dimension, positions, bits in rows
        ]

    def rotation(self, dimension: int) -> Rotation | None:
        rows = self._execute("SELECT flips FROM rotations WHERE dimension = %s", dimension)
        return Rotation(dimension, rows[0][0]) if rows else None

    def count_postings(self, owner: int, term: str, *, prefix: bool, first: int, last: int, limit: int) -> int:
        return len(self.postings(owner, term, prefix=prefix, first=first, last=last, limit=limit)[0])

    def postings(
        self, owner: int, term: str, *, prefix: bool, first: int, last: int, limit: int
    ) -> tuple[Numbers, Numbers]:
        import numpy as np

        # In the order of bytes, all that begins with a term lies between it and it with the highest character.
        rows = self._execute(
            """SELECT file, positions, counts FROM postings
            WHERE owner = %s AND term BETWEEN %s AND %s AND file BETWEEN %s AND %s ORDER BY file, start""",
            *(owner, term, f"{term}\U0010ffff" if prefix else term, first >> POSITION_BITS, last >> POSITION_BITS),
        )
        files = [file for file, positions, _ in rows for _ in range(len(positions) // 4)]
        positions = np.frombuffer(b"".join(positions for _, positions, _ in rows), np.uint32).astype(np.int64)
        counts = np.frombuffer(b"".join(counts for _, _, counts in rows), np.uint8).astype(np.int64)
        ids = (np.array(files, np.int64) << POSITION_BITS) | positions
        within = (ids >= first) & (ids <= last)
        return ids[within][:limit], counts[within][:limit]

    def vectors(self, ids: Sequence[int], dimension: int) -> Vector:
        import numpy as np

        rows = self._execute(f"SELECT vector FROM {_GIVEN.format(table='vectors')}", *_split(ids))
        nothing = bytes(2 * dimension)
        found = [vector if vector is not None and len(vector) == len(nothing) else nothing for (vector,) in rows]
        return decode_all(found) if found else np.empty((0, dimension), np.float32)

    def passages(self, ids: Sequence[int]) -> list[Passage | None]:
        rows = self._execute(f"SELECT text, place, heading FROM {_GIVEN.format(table='passages')}", *_split(ids))
        return [None if texts[0] is None else Passage(*texts) for texts in rows]


def _split(ids: Sequence[int]) -> tuple[list[int], list[int]]:
    """The files and the positions of these passages."""
    return [one >> POSITION_BITS for one in ids], [one & MAX_POSITION for one in ids]
