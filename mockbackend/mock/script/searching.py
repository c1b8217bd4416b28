"""The search for rules' regular expressions, which ends: a pattern may try more ways than there is time for.

Python's `re` has no limit of its own, but looks for signals while it tries, if seldom. So a long text is searched in
pieces, each at a few hundred beginnings. The clock counts the work of this process, so a busy machine changes nothing.
"""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from types import FrameType

# A text of that length is searched at once.
SHORT_CHARACTERS = 4000
# For all searches of a call together; a long text takes more, however simple the patterns are.
SECONDS = 0.05
SECONDS_OF_LONG = 0.5
# Of a piece; between pieces the time is looked at.
BEGINNINGS = 128
GLOBAL_FLAGS = re.compile(r"(\(\?[aiLmsux]+\))+")
# What stands in a message of a pattern.
SHOWN_CHARACTERS = 60


@dataclass(slots=True)
class _Call:
    """What the searches of one call have taken; and the slowest of them."""

    seconds: float = 0.0
    slowest: float = -1.0
    pattern: str = ""

    def add(self, seconds: float, pattern: str) -> None:
        self.seconds += seconds
        if seconds > self.slowest:
            self.slowest, self.pattern = seconds, pattern


_call: _Call | None = None
_is_searching = False


class TooSlowError(Exception):
    """The searches of a call were given up."""

    def __init__(self, seconds: float, pattern: str) -> None:
        super().__init__(
            f"The search for the rules' regexes took more than {seconds * 1000:.0f} ms on this text and was given up; "
            f"the slowest was {pattern[:SHOWN_CHARACTERS]!r}. If it can match the same words in many ways, leave out "
            "repetitions within repetitions, as in (a+)+, or begin it with what it looks for."
        )


class _ExpiredError(Exception):
    """The time is over."""


@contextmanager
def one_call() -> Iterator[None]:
    """A context whose searches have their time together. Nothing may be awaited in it."""
    global _call
    _call = _Call()
    try:
        yield
    finally:
        _call = None


def search(pattern: str, text: str, flags: int = 0) -> re.Match[str] | None:
    """What `re.search` finds. Raises TooSlowError."""
    call = _call or _Call()
    is_long = len(text) > SHORT_CHARACTERS
    allowed = SECONDS_OF_LONG if is_long else SECONDS
    left = allowed - call.seconds
    if left <= 0:
        raise TooSlowError(allowed, call.pattern)
    # Patterns are compiled once, which is not the text's fault.
    compiled = _compiled(pattern, flags)
    piece = _piece(pattern, flags) if is_long else None
    began = time.thread_time()
    try:
        with _timer(left):
            found = _in_pieces(compiled, piece, text, began + left) if piece else compiled.search(text)
    except _ExpiredError:
        found, left = None, 0
    call.add(time.thread_time() - began, pattern)
    if left <= 0:
        raise TooSlowError(allowed, call.pattern)
    return found


def _in_pieces(compiled: re.Pattern[str], piece: re.Pattern[str], text: str, until: float) -> re.Match[str] | None:
    for at in range(0, len(text) + 1, BEGINNINGS):
        if found := piece.match(text, at):
            return compiled.match(text, found.end())
        # Where there are no such signals.
        if time.thread_time() > until:
            raise _ExpiredError
    return None


@lru_cache(maxsize=4096)
def _compiled(pattern: str, flags: int) -> re.Pattern[str]:
    return re.compile(pattern, flags)


@lru_cache(maxsize=4096)
def _piece(pattern: str, flags: int) -> re.Pattern[str] | None:
    """A pattern that matches up to the first beginning of a match that is near."""
    flags = _compiled(pattern, flags).flags
    begun = GLOBAL_FLAGS.match(pattern)
    # With the flag `x` a comment may stand at its end.
    end = "\n" if flags & re.VERBOSE else ""
    try:
        return re.compile(f"(?s:.{{0,{BEGINNINGS - 1}}}?)(?={pattern[begun.end() if begun else 0 :]}{end})", flags)
    except re.error:
        # Its flags stand behind a comment, for one.
        return None


@contextmanager
def _timer(seconds: float) -> Iterator[None]:
    """A context that ends with _ExpiredError after so much work, where there are such signals."""
    global _is_searching
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    if signal.getsignal(signal.SIGVTALRM) is not _expire:
        signal.signal(signal.SIGVTALRM, _expire)
    try:
        _is_searching = True
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
        yield
        _is_searching = False
    finally:
        _is_searching = False
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _expire(number: int, frame: FrameType | None) -> None:
    # The clock may run out just as the search ends.
    if _is_searching:
        raise _ExpiredError
