"""How many files and connections a process may have open, which is 1,024 or 256 at first and often may be more."""

from __future__ import annotations

import contextlib
import dataclasses
import logging

from ..settings import Settings
from ..upstream.engine import ENGINES

# Databases, files, and clients that ask for other things or for nothing.
OTHERS = 150
ENOUGH = (65_536, 10_240, 4_096)
log = logging.getLogger("mockbackend")


def raise_and_cap(settings: Settings) -> Settings:
    """The settings with no more answers at once than there can be, the limit raised as far as may be."""
    limit = _raised()
    per_turn = ENGINES[settings.engine].connections_per_turn
    room = settings.max_running_turns if limit is None else max(1, (limit - OTHERS) // per_turn)
    if room >= settings.max_running_turns:
        return settings
    log.warning(
        "MAX_RUNNING_TURNS: this process may open %d files, which is enough for %d answers at once; more are refused."
        " Raise its limit (ulimit -n).",
        *(limit, room),
    )
    return dataclasses.replace(settings, max_running_turns=room)


def _raised() -> int | None:
    """The limit once it is raised; None where the system has none of this kind."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for enough in ENOUGH:
        wanted = enough if hard == resource.RLIM_INFINITY else min(enough, hard)
        # What the system names as the limit may be more than it gives.
        with contextlib.suppress(ValueError, OSError):
            if soft != resource.RLIM_INFINITY and soft < wanted:
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            break
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft
