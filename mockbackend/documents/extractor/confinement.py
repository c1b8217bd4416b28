"""Limits that the process sets for itself before it opens a file that somebody else made."""

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
# The document, libraries while they are loaded, and a few to spare.
OPEN_FILES = 64


def confine(limits: Limits, parent: int) -> None:
    """Apply `limits`, forbid writing files, and end this process with its parent. Does nothing on Windows."""
    if sys.platform == "win32":
        return
    import resource

    seconds = math.ceil(limits.seconds) + 1
    for kind, limit, beyond in (
        (resource.RLIMIT_AS, limits.memory_bytes, 0),
        # A second lies between the signal that names the limit and the one that just kills.
        (resource.RLIMIT_CPU, seconds, 1),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES, 0),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        # Not every system has every limit, and a limit set from outside cannot be raised.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (limit, limit + beyond))
    os.nice(NICENESS)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        # A parent that died before this line no longer sends a signal.
        if os.getppid() != parent:
            os._exit(1)
