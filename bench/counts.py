"""What a service does for a turn, counted: the same on every machine, and under any load."""

import mmap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import NamedTemporaryFile
from typing import NamedTuple

FOLDER = Path(__file__).parent / "counting"


class Counts(NamedTuple):
    """SQL statements, transactions that wrote, hops to threads, tasks of asyncio, and the kernel's calls that write."""

    statements: float
    commits: float
    hops: float
    tasks: float
    writes: float


class Counter:
    """The counts of one process, which is started with these `variables`."""

    def __init__(self, file: Path) -> None:
        self.variables = {"PYTHONPATH": str(FOLDER), "BENCH_COUNTS": str(file)}
        with file.open("r+b") as opened:
            self._counts = memoryview(mmap.mmap(opened.fileno(), 0)).cast("Q")

    def of_a_turn(self, pid: int, turn: Callable[[], object], turns: int = 21) -> Counts:
        """The median of several turns: a beat, say, may come in between."""
        seen = [self._read(pid)]
        for _ in range(turns):
            turn()
            seen.append(self._read(pid))
        changes = [[after - before for before, after in zip(*pair, strict=True)] for pair in pairwise(seen)]
        return Counts(*map(median, zip(*changes, strict=True)))

    def _read(self, pid: int) -> list[int]:
        written = next(line for line in Path(f"/proc/{pid}/io").read_text().splitlines() if line.startswith("syscw"))
        return [*self._counts[:4], int(written.split()[1])]


@contextmanager
def counter() -> Iterator[Counter]:
    """A counter for a process that is yet to be started."""
    with NamedTemporaryFile(prefix="bench-counts-") as file:
        file.write(bytes(mmap.PAGESIZE))
        file.flush()
        yield Counter(Path(file.name))
