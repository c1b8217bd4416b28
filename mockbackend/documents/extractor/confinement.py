"""Limits that a process sets itself before it touches a file that somebody else made."""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import signal
import sys

from .limits import Limits

PR_SET_PDEATHSIG = 1
NICENESS = 10
# The document, the libraries while they are loaded, and some to spare.
OPEN_FILES = 64


def confine(limits: Limits, parent: int) -> None:
    """Bound this process by `limits`, let it write no file, and end it with its parent; on Windows nothing of it."""
    if sys.platform == "win32":
        return
    import resource

    seconds = math.ceil(limits.seconds) + 1
    for kind, limit, beyond in (
        (resource.RLIMIT_AS, limits.memory_bytes, 0),
        # A second between the signal that tells of the limit and the one that only kills.
        (resource.RLIMIT_CPU, seconds, 1),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES, 0),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        # Not every system has every limit, and what is set from outside cannot be raised.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (limit, limit + beyond))
    os.nice(NICENESS)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        # A parent that died before this line sends no signal any more.
        if os.getppid() != parent:
            os._exit(1)
