"""The search for a rule's regular expression, which ends: a pattern may try more ways than there is time for.

Python's `re` has no limit of its own, but looks for signals while it tries. The clock counts the work of this process,
so a busy machine changes nothing.
"""

from __future__ import annotations

import re
import signal
import threading
from functools import lru_cache
from types import FrameType

SECONDS = 0.05
# Searches that were given up, in this process: asked again, they cost nothing.
MAX_GIVEN_UP = 1000
_given_up: set[int] = set()
_is_searching = False


class TooSlowError(Exception):
    """A search that was given up."""

    def __init__(self, pattern: str) -> None:
        super().__init__(
            f"The regex {pattern[:60]!r} of a rule took more than {SECONDS * 1000:g} ms on this text and was given up. "
            "It can match the same words in too many ways: leave out repetitions within repetitions, as in (a+)+."
        )


class _Expired(Exception):
    """The time is over."""


def search(pattern: str, text: str) -> re.Match[str] | None:
    """What `re.search` finds. Raises TooSlowError."""
    global _is_searching
    compiled = _compiled(pattern)
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        # There are no such signals.
        return compiled.search(text)
    if (key := hash((pattern, text))) in _given_up:
        raise TooSlowError(pattern)
    _listen()
    try:
        _is_searching = True
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
        found = compiled.search(text)
        _is_searching = False
    except _Expired:
        if len(_given_up) >= MAX_GIVEN_UP:
            _given_up.clear()
        _given_up.add(key)
        raise TooSlowError(pattern) from None
    finally:
        _is_searching = False
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return found


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _listen() -> None:
    if signal.getsignal(signal.SIGVTALRM) is not _expire:
        signal.signal(signal.SIGVTALRM, _expire)


def _expire(number: int, frame: FrameType | None) -> None:
    # The clock may run out just as the search ends.
    if _is_searching:
        raise _Expired
