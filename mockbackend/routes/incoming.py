"""How many bytes of request bodies a process holds at once, of one user and of all, counted while they arrive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..errors import ServiceError
from ..settings import Settings

# The first bytes of each body are free: a short message passes whatever others send.
FREE_BYTES = 64 * 1024


@dataclass(slots=True)
class IncomingBytes:
    """What is held of bodies. `body` is one more of them, for as long as its bytes stay in memory."""

    settings: Settings
    _held: Counter[str] = field(default_factory=Counter)
    _all: int = 0

    @contextmanager
    def body(self, userid: str) -> Iterator[Callable[[int], None]]:
        """Yields what counts the bytes of one body as they arrive; that raises a 429 beyond a limit."""
        size = counted = 0

        def count(arrived: int) -> None:
            nonlocal size, counted
            size += arrived
            more = max(0, size - FREE_BYTES) - counted
            self._check(userid, more)
            counted += more
            self._held[userid] += more
            self._all += more

        try:
            yield count
        finally:
            self._all -= counted
            self._held[userid] -= counted
            if not self._held[userid]:
                del self._held[userid]

    def _check(self, userid: str, more: int) -> None:
        for held, name in ((self._held[userid], "max_incoming_bytes_per_user"), (self._all, "max_incoming_bytes")):
            # One body of the largest size always fits.
            limit = max(getattr(self.settings, name), self.settings.max_body_bytes)
            if more and held + more > limit:
                words = f"More than {limit} bytes of requests are under way ({name.upper()}). Please try again."
                raise ServiceError(429, "too_many_bytes", words, {"retry-after": "2"})
