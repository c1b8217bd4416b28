"""What a process holds in memory of an owner, so that a query need not read everything.

It takes 260 bytes for a passage with a vector of 1,536 dimensions. A row is a passage's place in it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ....storage.passages import MAX_POSITION, POSITION_BITS, SignBlock, first_id

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ....storage.passages import Snapshot
    from ....storage.signs import Numbers, Signs, Vector

    Flags = NDArray[np.bool_]

# For all owners together. The owner of the last query is held even if it is larger by itself.
MAX_BYTES = 300_000_000


@dataclass(frozen=True, slots=True)
class OwnerIndex:
    """The published files of an owner, in the order of their numbers."""

    owner: int
    version: int
    file_ids: tuple[str, ...]
    numbers: Numbers
    starts: Numbers
    """The row of each file's first passage, and at last the number of all rows."""
    lengths: Vector
    """The length of each passage in units of the mean length."""
    signs: dict[int, tuple[Numbers, Signs]]
    """By dimension: the rows of the passages with such a vector, and their signs."""

    @property
    def size(self) -> int:
        """Bytes in memory."""
        arrays = [self.lengths, *(array for pair in self.signs.values() for array in pair)]
        return sum(array.nbytes for array in arrays)

    def allowed(self, file_ids: Iterable[str]) -> Flags:
        """Which rows belong to these files."""
        import numpy as np

        wanted = set(file_ids)
        files = np.array([file_id in wanted for file_id in self.file_ids], bool)
        return np.repeat(files, np.diff(self.starts))

    def span(self, allowed: Flags | None) -> tuple[int, int]:
        """The ids between which all passages of these rows' files lie, both included."""
        import numpy as np

        files = np.arange(len(self.numbers))
        if allowed is not None:
            # Files without passages have no rows that could be allowed.
            files = np.unique(self._files(np.flatnonzero(allowed)))
        if not len(files):
            return 0, -1
        first, last = self.numbers[files[0]], self.numbers[files[-1]]
        return first_id(int(first)), first_id(int(last) + 1) - 1

    def rows(self, ids: Numbers) -> Numbers:
        """The rows of these passages; -1 for a passage that is in no published file."""
        import numpy as np

        number = ids >> POSITION_BITS
        file = np.minimum(np.searchsorted(self.numbers, number), len(self.numbers) - 1)
        return np.where(self.numbers[file] == number, self.starts[file] + (ids & MAX_POSITION), -1)

    def ids(self, rows: Sequence[int] | Numbers) -> Numbers:
        """The ids of the passages in these rows."""
        import numpy as np

        rows = np.asarray(rows, np.int64)
        file = self._files(rows)
        return (self.numbers[file] << POSITION_BITS) + rows - self.starts[file]

    def file_id(self, row: int) -> str:
        """The file that holds the passage in this row."""
        import numpy as np

        return self.file_ids[int(self._files(np.array([row]))[0])]

    def _files(self, rows: Numbers) -> Numbers:
        import numpy as np

        return np.searchsorted(self.starts, rows, side="right") - 1


class OwnerCache:
    """The owners that were searched last; for one thread."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._owners: OrderedDict[int, OwnerIndex] = OrderedDict()

    def get(self, snapshot: Snapshot, userid: str) -> OwnerIndex | None:
        """The owner's index as it is in this snapshot. None if nothing of theirs can be found."""
        numbered = snapshot.owner(userid)
        if numbered is None:
            return None
        owner, version = numbered
        index = self._owners.pop(owner, None)
        if index is None or index.version != version:
            # The old one goes first, so that there are never two in memory.
            index = None
            index = _load(snapshot, owner, version, self._model)
        self._owners[owner] = index
        while len(self._owners) > 1 and sum(one.size for one in self._owners.values()) > MAX_BYTES:
            self._owners.popitem(last=False)
        return index if len(index.lengths) else None


def _load(snapshot: Snapshot, owner: int, version: int, model: str) -> OwnerIndex:
    import numpy as np

    files = snapshot.files(owner)
    starts = np.cumsum([0, *(len(file.lengths) for file in files)], dtype=np.int64)
    lengths = np.concatenate([np.empty(0), *(file.lengths for file in files)]).astype(np.float32)
    start_of = {file.number: int(start) for file, start in zip(files, starts, strict=False)}
    count_of = {file.number: len(file.lengths) for file in files}
    blocks: dict[int, list[SignBlock]] = {}
    for block in snapshot.signs(owner, model):
        # Signs without passages are damaged, or their file is.
        if (block.positions < count_of.get(block.file, 0)).all():
            blocks.setdefault(block.dimension, []).append(block)
    return OwnerIndex(
        owner=owner,
        version=version,
        file_ids=tuple(file.id for file in files),
        numbers=np.array([file.number for file in files], np.int64),
        starts=starts,
        lengths=lengths / max(float(lengths.mean()), 1.0) if len(lengths) else lengths,
        signs={
            dimension: (
                np.concatenate([block.positions + start_of[block.file] for block in of_dimension]),
                np.concatenate([block.signs for block in of_dimension]),
            )
            for dimension, of_dimension in blocks.items()
        },
    )
