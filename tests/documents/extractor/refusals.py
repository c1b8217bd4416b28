"""Reading a document that is to be refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mockbackend.documents.errors import Unreadable
from mockbackend.documents.extraction import Limits, extract
from mockbackend.documents.formats import FORMATS

DAMAGED = "The file is damaged, or its content does not match its name. Check that it opens in its program."
MB = 1 << 20
LIMITS = Limits(seconds=30, memory_bytes=300 * MB, pages=100, characters=1_000_000)

MEMORY = "Reading the file takes more memory than is allowed (EXTRACTION_MEMORY_BYTES). Split it into smaller files."


def children() -> set[int]:
    """The processes that this one has started and that are not reaped yet."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {int(pid) for task in tasks for pid in task.read_text().split()}


async def refusal(path: Path, kind: str, limits: Limits = LIMITS) -> str:
    """The words with which a file is refused; nothing is left over, and nothing was written."""
    before, files = children(), set(path.parent.iterdir())
    with pytest.raises(Unreadable) as refused:
        await extract(path, FORMATS[kind], limits)
    assert children() <= before, "a process is left over"
    assert set(path.parent.iterdir()) == files, "a file is left over"
    return str(refused.value)


def content(made: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / "file"
        path.write_bytes(made)
        return path

    return make
