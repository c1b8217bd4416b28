"""Regions that several processes share, so that any of them can answer for all.

The workers of `mockbackend serve` inherit them from their parent. Hypercorn's own workers inherit nothing: they meet in
a file that is named after their parent, and after the key that it gives to its workers alone: pids are used again.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import multiprocessing
import os
import tempfile
from pathlib import Path

from .series import REGION_BYTES, Region, use

MOST_WORKERS = 64
_PREFIX = "mockbackend-metrics-"


class SharedRegions:
    """The regions of `count` processes. A region that a dead one leaves goes to the next."""

    def __init__(self, count: int, memory: mmap.mmap | None = None) -> None:
        whole = memoryview(memory or mmap.mmap(-1, count * REGION_BYTES))
        self._regions = [Region(whole[start : start + REGION_BYTES]) for start in range(0, len(whole), REGION_BYTES)]

    def use(self, place: int) -> None:
        """Count in that region from now on."""
        others = [region for number, region in enumerate(self._regions) if number != place]
        use(self._regions[place], others)


def join_workers() -> None:
    """Share with the other workers of the same Hypercorn, if this process is one of its workers."""
    parent = multiprocessing.parent_process()
    if parent is None or parent.pid is None:
        return
    # Without a place for the file each worker answers for itself.
    with contextlib.suppress(OSError, ImportError):
        _join(parent.pid)


def _join(parent: int) -> None:
    import fcntl

    folder = Path(tempfile.gettempdir())
    prefix = f"{_PREFIX}{os.getuid()}-"
    key = hashlib.sha256(multiprocessing.current_process().authkey).hexdigest()
    name = f"{prefix}{parent}-{key[:16]}"
    _remove_old(folder, prefix, parent, name)
    # Not one that somebody else has put there.
    descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    found = os.fstat(descriptor)
    if found.st_uid != os.getuid() or found.st_nlink != 1:
        os.close(descriptor)
        return
    os.truncate(descriptor, MOST_WORKERS * REGION_BYTES)
    regions = SharedRegions(MOST_WORKERS, mmap.mmap(descriptor, MOST_WORKERS * REGION_BYTES))
    # The lock, and with it the place, is held until this process ends: the descriptor stays open.
    for place in range(MOST_WORKERS):
        with contextlib.suppress(BlockingIOError, PermissionError):
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
            regions.use(place)
            return


def _remove_old(folder: Path, prefix: str, parent: int, name: str) -> None:
    for path in folder.glob(f"{prefix}*"):
        pid = path.name.removeprefix(prefix).partition("-")[0]
        if path.name != name and (pid == str(parent) or not _is_alive(pid)):
            path.unlink(missing_ok=True)


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except OSError:
        # Somebody else's.
        return True
    return True
