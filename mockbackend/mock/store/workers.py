"""Which processes of the host have the store open: each holds a lock on a file of its own, which its end drops."""

from __future__ import annotations

import uuid
from pathlib import Path

from filelock import FileLock, Timeout


class Workers:
    """This process among those that share a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.own = uuid.uuid4().hex
        self._lock = FileLock(folder / self.own)
        self._lock.acquire()

    def others(self) -> set[str]:
        """The other processes that live; the files of dead ones are removed."""
        return {path.name for path in self._folder.iterdir() if path.name != self.own and _is_held(path)}

    def close(self) -> None:
        """Leave the folder."""
        self._lock.release()
        (self._folder / self.own).unlink(missing_ok=True)


def _is_held(path: Path) -> bool:
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    path.unlink(missing_ok=True)
    lock.release()
    return False
