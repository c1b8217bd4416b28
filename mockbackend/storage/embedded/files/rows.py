"""What the rows of files have in common."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ...values import File
from ..sqlite import integer, text

# The fields of File, in their order.
COLUMNS = "id, name, status, done, total, error, size, media_type, created_at, notice"

BLOB = re.compile(r"[0-9a-f]{32}\.[0-9a-f]{32}")
MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)


def decode_file(row: tuple[Any, ...]) -> File:
    """The File of a row's `COLUMNS`, whatever they hold."""
    file_id, name, status, done, total, error, size, media_type, created_at, notice = row
    return File(
        text(file_id),
        text(name),
        status,
        integer(done),
        integer(total),
        None if error is None else text(error),
        integer(size),
        text(media_type) if MEDIA_TYPE.fullmatch(text(media_type)) else "application/octet-stream",
        integer(created_at),
        None if notice is None else text(notice),
    )


def blob_path(folder: Path, name: object) -> Path:
    """The path of the blob that a row names."""
    # The row may be damaged: what is not the name of a blob must not become the path of another file.
    return folder / (name if isinstance(name, str) and BLOB.fullmatch(name) else "damaged")
