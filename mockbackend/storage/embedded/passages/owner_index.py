"""What a process holds in memory of an owner, so that a query need not read it all: 260 bytes a passage of 1,536
dimensions. A row is a passage's place in it."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .schema import first_id

if TYPE_CHECKING:
    from .vectors import Flags, Numbers, Signs, Vector

# All owners together; the one that was asked for is held even where it alone is larger.
MAX_BYTES = 300_000_000


@dataclass(frozen=True, slots=True)
class OwnerIndex:
    """The published files of an owner, in the order of their numbers."""

    owner: int
    version: int
    file_ids: tuple[str, ...]
    numbers: Numbers
    starts: Numbers
    """The row of each file's first passage; one more, for the end."""
    lengths: Vector
    """The length of each passage; 1 is the mean."""
    signs: dict[int, tuple[Numbers, Signs]]
    """By dimension: the rows of the passages with such a vector, and their signs."""

    @property
    def size(self) -> int:
        """Bytes in memory."""
        arrays = [self.lengths, *(array for pair in self.signs.values() for array in pair)]
        return sum(array.nbytes for array in arrays)

    def allowed(self, file_ids: Iterable[str]) -> Flags:
        """Which rows are of these files."""
        import numpy as np

        wanted = set(file_ids)
        files = np.array([file_id in wanted for file_id in self.file_ids], bool)
        return np.repeat(files, np.diff(self.starts))

    def span(self, allowed: Flags | None) -> tuple[int, int]:
        """The ids of the files' passages lie between these, in the word index."""
        import numpy as np

        files = np.arange(len(self.numbers))
        if allowed is not None:
            # Files without passages have no rows that could be allowed.
            files = np.unique(self._files(np.flatnonzero(allowed)))
        if not len(files):
            return 0, -1
        first, last = self.numbers[files[0]], self.numbers[files[-1]]
        return first_id(int(first)) << 3, (first_id(int(last) + 1) << 3) - 1

    def rows(self, ids: Numbers) -> Numbers:
        """The rows of these passages; -1 for one that is of no published file."""
        import numpy as np

        number = ids >> 32
        file = np.minimum(np.searchsorted(self.numbers, number), len(self.numbers) - 1)
        return np.where(self.numbers[file] == number, self.starts[file] + (ids & 0xFFFFFFFF), -1)

    def ids(self, rows: Numbers) -> Numbers:
        """The ids of the passages in these rows."""
        file = self._files(rows)
        return (self.numbers[file] << 32) + rows - self.starts[file]

    def file_id(self, row: int) -> str:
        """The file that the passage in this row is of."""
        import numpy as np

        return self.file_ids[int(self._files(np.array([row]))[0])]

    def _files(self, rows: Numbers) -> Numbers:
        import numpy as np

        return np.searchsorted(self.starts, rows, side="right") - 1


class OwnerCache:
    """The owners that were asked for last; for one thread."""

    def __init__(self) -> None:
        self._owners: OrderedDict[int, OwnerIndex] = OrderedDict()

    def get(self, connection: sqlite3.Connection, userid: str) -> OwnerIndex | None:
        """What this state of the database has of the owner; None where that is nothing."""
        row = connection.execute("SELECT number, version FROM owners WHERE userid = ?", (userid,)).fetchone()
        if row is None:
            return None
        owner, version = row
        owner_index = self._owners.pop(owner, None)
        if owner_index is None or owner_index.version != version:
            # The old one goes first, so that there are never two.
            owner_index = None
            owner_index = _load(connection, owner, version)
        self._owners[owner] = owner_index
        while len(self._owners) > 1 and sum(owner.size for owner in self._owners.values()) > MAX_BYTES:
            self._owners.popitem(last=False)
        return owner_index if len(owner_index.lengths) else None


def _load(connection: sqlite3.Connection, owner: int, version: int) -> OwnerIndex:
    import numpy as np

    files = connection.execute(
        "SELECT number, file_id, passage_count, lengths FROM files WHERE owner = ? AND published ORDER BY number",
        (owner,),
    ).fetchall()
    starts = np.cumsum([0, *(file[2] for file in files)], dtype=np.int64)
    lengths = np.frombuffer(b"".join(file[3] for file in files), np.uint32).astype(np.float32)
    start_of = {file[0]: int(start) for file, start in zip(files, starts, strict=False)}
    parts: dict[int, list[tuple[Numbers, bytes]]] = {}
    for number, dimension, positions, bits in connection.execute(
        """SELECT file, dimension, positions, bits FROM files JOIN signs ON file = number
        WHERE owner = ? AND published ORDER BY number""",
        (owner,),
    ):
        rows = np.frombuffer(positions, "<u4").astype(np.int64) + start_of[number]
        parts.setdefault(dimension, []).append((rows, bits))
    return OwnerIndex(
        owner=owner,
        version=version,
        file_ids=tuple(file[1] for file in files),
        numbers=np.array([file[0] for file in files], np.int64),
        starts=starts,
        lengths=lengths / max(float(lengths.mean()), 1.0) if len(lengths) else lengths,
        signs={dimension: _joined(of_dimension) for dimension, of_dimension in parts.items()},
    )


def _joined(parts: list[tuple[Numbers, bytes]]) -> tuple[Numbers, Signs]:
    import numpy as np

    rows = np.concatenate([rows for rows, _ in parts])
    bits = np.frombuffer(b"".join(bits for _, bits in parts), np.uint64)
    return rows, bits.reshape(len(rows), -1)
