"""How glibc's malloc keeps memory that is free, for a process that now and then holds a very long answer."""

from __future__ import annotations

import ctypes

# From malloc.h; see mallopt(3).
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
LARGE = 1 << 20
KEPT = 16 << 20


def tune() -> None:
    """Give blocks of a megabyte and more back as soon as they are free; keep up to 16 MB of the heap for what follows.

    By itself malloc takes such blocks from the heap once it has seen one, where a small one above them keeps them. It
    also trims the heap after each turn with a long history, and each of these pages costs the next turn a fault.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another libc
        return
    for option, value in ((_MMAP_THRESHOLD, LARGE), (_TRIM_THRESHOLD, KEPT), (_TOP_PAD, LARGE)):
        mallopt(option, value)
