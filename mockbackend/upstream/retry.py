"""Retries of a failing call: the wait that it asks for, the budget that it has, and the loop."""

from __future__ import annotations

import asyncio
import email.utils
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from .. import log, metrics
from ..errors import UpstreamError

T = TypeVar("T")

FIRST_WAIT_SECONDS = 0.5


class RetryBudget:
    """The tries that one call is given, and the seconds of waiting between them, in all."""

    def __init__(self, tries: int, seconds: float) -> None:
        self._tries = tries
        self._seconds = seconds
        self.attempt = 1

    def wait(self, error: UpstreamError) -> float:
        """How long to wait before the next try, in seconds; raises the error if no try is left."""
        wait = error.retry_after if error.retry_after is not None else FIRST_WAIT_SECONDS * 2 ** (self.attempt - 1)
        if not error.retryable or self.attempt >= self._tries or wait > self._seconds:
            raise error
        self._seconds -= wait
        self.attempt += 1
        metrics.UPSTREAM_RETRIES.inc(error.reason)
        log.count_retry()
        return wait


async def retry(call: Callable[[], Awaitable[T]], budget: RetryBudget) -> T:
    """Make the call and return its result, with retries of an UpstreamError while the budget lasts."""
    while True:
        try:
            return await call()
        except UpstreamError as error:
            await asyncio.sleep(budget.wait(error))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The wait that `retry-after-ms` or `retry-after` (seconds, or a date) asks for, in seconds."""
    try:
        if (milliseconds := headers.get("retry-after-ms")) is not None:
            wait = float(milliseconds) / 1000
        elif (value := headers.get("retry-after")) is None:
            return None
        else:
            try:
                wait = float(value)
            except ValueError:
                wait = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, wait) if math.isfinite(wait) else None
