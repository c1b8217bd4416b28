"""The limit on open files and connections, often 1,024 or 256 at first, which a process may usually raise."""

from __future__ import annotations

import contextlib
import dataclasses
import logging

from ..settings import Settings
from ..upstream.engine import ENGINES

# For databases, files, and clients that are idle or ask for something else.
OTHERS = 150
ENOUGH = (65_536, 10_240, 4_096)
log = logging.getLogger("mockbackend")


def raise_and_cap(settings: Settings) -> Settings:
    """Raise the limit as far as possible, and return the settings with as many answers at once as it allows."""
    limit = _raised()
    per_turn = ENGINES[settings.engine].connections_per_turn
    room = settings.max_running_turns if limit is None else max(1, (limit - OTHERS) // per_turn)
    if room >= settings.max_running_turns:
        return settings
    log.warning(
        "MAX_RUNNING_TURNS: this process may open %d files, which is enough for %d answers at once. More are refused;"
        " to allow them, raise the limit (ulimit -n).",
        *(limit, room),
    )
    return dataclasses.replace(settings, max_running_turns=room)


def _raised() -> int | None:
    """Raise the limit and return it, or None if the system has none."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for enough in ENOUGH:
        wanted = enough if hard == resource.RLIM_INFINITY else min(enough, hard)
        # The system may give less than the limit that it names.
        with contextlib.suppress(ValueError, OSError):
            if soft != resource.RLIM_INFINITY and soft < wanted:
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            break
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft
