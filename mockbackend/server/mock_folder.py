"""The folder of a mock: its own, gone at its end; what a killed one has left is removed by the next."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "mockbackend-mock-"


@contextmanager
def mock_folder() -> Iterator[Path]:
    """A new folder, for as long as the context lasts. Raises OSError.

    Whoever uses it holds a lock on it, and so do the processes forked meanwhile; the kernel releases it with the last.
    """
    _remove_abandoned()
    owner = os.getpid()
    while True:
        path = Path(tempfile.mkdtemp(prefix=PREFIX))
        if (lock := _locked(path)) is not None:
            break
    try:
        yield path
    finally:
        # A forked process leaves this context too.
        if os.getpid() == owner:
            shutil.rmtree(path, ignore_errors=True)
            os.close(lock)


def _remove_abandoned() -> None:
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if (lock := _locked(path)) is not None:
            shutil.rmtree(path, ignore_errors=True)
            os.close(lock)


def _locked(path: Path) -> int | None:
    """A lock on this folder; None where it is in use, not ours or gone."""
    try:
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    with contextlib.suppress(OSError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # One that has just been made may have been taken for abandoned.
        if os.fstat(lock).st_uid == os.geteuid() and os.path.samestat(os.fstat(lock), os.stat(path)):
            return lock
    os.close(lock)
    return None
