"""A file's row, as its owner sees it and as indexing sees it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Status = Literal["queued", "extracting", "embedding", "ready", "failed"]
# The fields of File, in their order.
COLUMNS = "id, name, status, done, total, error, size, media_type, created_at"


@dataclass(frozen=True, slots=True)
class File:
    """A file as its owner sees it. `size` is in bytes, `created_at` in integer milliseconds.

    `done` of `total` passages are indexed; `error` tells the owner why indexing failed.
    """

    id: str
    name: str
    status: Status
    done: int
    total: int
    error: str | None
    size: int
    media_type: str
    created_at: int


@dataclass(frozen=True, slots=True)
class IndexingJob:
    """A file that this process has claimed for indexing; its bytes are at `path`."""

    id: str
    userid: str
    name: str
    kind: str
    path: Path


@dataclass(frozen=True, slots=True)
class FileLimits:
    """How large one file may be, and how many files and bytes one user may keep."""

    file_bytes: int
    user_files: int
    user_bytes: int


def size_in_words(size: int) -> str:
    """A number of bytes as people write it, such as `50 MB`."""
    for unit, factor in (("GB", 2**30), ("MB", 2**20), ("kB", 2**10)):
        if size >= factor:
            return f"{size / factor:.4g} {unit}"
    return f"{size} bytes"
