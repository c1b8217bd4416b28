"""Which processes on one folder live: each holds a lock on a file of its own.

A pid proves nothing (a restarted container has the same one); the kernel drops a lock with its process.
"""

from __future__ import annotations

import contextlib
import re
import uuid
from pathlib import Path

from filelock import FileLock, Timeout

ID = re.compile(r"[0-9a-f]{32}")


class Liveness:
    """This process's proof of life, and the test of the others'."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.id = uuid.uuid4().hex
        self._lock = FileLock(folder / self.id)
        self._lock.acquire()

    def is_alive(self, owner: str) -> bool:
        """Whether the process of that id still runs; the file of a dead one is removed."""
        if owner == self.id:
            return True
        # The row of an owner may be damaged: what is not an id must not become a path.
        if not isinstance(owner, str) or not ID.fullmatch(owner):
            return False
        path = self._folder / owner
        if not path.exists():
            return False
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        except IsADirectoryError:
            # Somebody else's: no process has it.
            return False
        # Before the release: a process that is just taking this lock then sees that its file is gone.
        path.unlink(missing_ok=True)
        lock.release()
        return False

    def others(self) -> set[str]:
        """The other processes that live; the files of dead ones are removed."""
        return {path.name for path in self._folder.iterdir() if path.name != self.id and self.is_alive(path.name)}

    def close(self) -> None:
        """End this process's proof of life."""
        self._lock.release()
        with contextlib.suppress(OSError):
            (self._folder / self.id).unlink(missing_ok=True)
