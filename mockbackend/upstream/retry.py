"""How long, and how often, a call of the model API is tried again."""

from __future__ import annotations

from ..errors import UpstreamError


class RetryBudget:
    """The tries that one call is given, and the seconds of waiting between them, in all."""

    def __init__(self, tries: int, seconds: float) -> None:
        self._tries = tries
        self._seconds = seconds
        self.attempt = 1

    def wait(self, error: UpstreamError) -> float:
        """How long to wait before the next try, in seconds; raises the error where there is none."""
        wait = error.retry_after if error.retry_after is not None else 0.5 * 2 ** (self.attempt - 1)
        if not error.retryable or self.attempt >= self._tries or wait > self._seconds:
            raise error
        self._seconds -= wait
        self.attempt += 1
        return wait
