"""How much of a stream its client may leave unread, and for how long.

The connection itself holds little, and bounds the time of each piece. But what is unread stays in memory with its turn:
too much of it, or any long after the turn is over, has the connection closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..turn.run import Reader

CHECK_SECONDS = 1.0
# Of what has been said since the client began to read.
MAX_UNREAD_BYTES = 1024 * 1024
# After the end of the turn.
REST_SECONDS = 60.0


class UnreadLimit:
    """The limit of one stream. `is_sending` is set while a piece waits for the client."""

    def __init__(self, source: Reader, cut_off: Callable[[], None] | None) -> None:
        self.is_sending = False
        self._source = source
        self._cut_off = cut_off
        self._loop = asyncio.get_running_loop()
        self._pieces = 0
        self._pieces_seen = -1
        self._over_at: float | None = None
        self._timer = self._loop.call_later(CHECK_SECONDS, self._check)

    def begin(self) -> None:
        """A piece is about to be sent."""
        self._pieces += 1
        self.is_sending = True

    def close(self) -> None:
        """Stop looking."""
        self._timer.cancel()

    def _check(self) -> None:
        if self._is_exceeded() and self._cut_off is not None:
            self._cut_off()
            return
        self._timer = self._loop.call_later(CHECK_SECONDS, self._check)

    def _is_exceeded(self) -> bool:
        now = self._loop.time()
        if self._source.is_over and self._over_at is None:
            self._over_at = now
        if self._over_at is not None and now - self._over_at >= REST_SECONDS:
            return True
        # The same piece as a moment ago: a client that reads is not too slow for a model that is very fast.
        is_stuck = self.is_sending and self._pieces == self._pieces_seen
        self._pieces_seen = self._pieces
        return is_stuck and self._source.leaves(MAX_UNREAD_BYTES)
