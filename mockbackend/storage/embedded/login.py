"""The login that is generated where none is configured: one file of the data folder, for all its processes."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from filelock import FileLock

NAME = "login"


def load_or_make(folder: Path, lock: FileLock) -> str:
    """The content of the file `login`, which is made (mode 0600) if it is missing. Raises OSError."""
    path = folder / NAME
    with lock:
        if not path.exists():
            _write(path, f"mock:{secrets.token_urlsafe(12)}\n")
    return path.read_text(errors="replace").strip()


def _write(path: Path, content: str) -> None:
    temporary = path.with_suffix(".part")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(content)
    os.replace(temporary, path)
