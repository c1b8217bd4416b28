"""Failed logins: logged, and slowed down for an address that guesses."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import time
from collections import OrderedDict, deque

from ..errors import ServiceError

FREE = 10
WITHIN_SECONDS = 60.0
DELAY_SECONDS = 1.0
MAX_WAITING = 10
MAX_ADDRESSES = 10_000
LOG_SECONDS = 1.0
log = logging.getLogger("mockbackend.login")


class FailedLogins:
    """The failed logins of the last minute by address, in this process.

    After `FREE` of them the answer to each further one waits for a second. While `MAX_WAITING` such answers of an
    address wait, `is_blocked` says that no login of it should be looked at. If not `slow` they are only logged.
    """

    def __init__(self, *, slow: bool = True) -> None:
        self._slow = slow
        # The newest address last; the oldest are forgotten first.
        self._failed: OrderedDict[str, deque[float]] = OrderedDict()
        self._waiting: dict[str, int] = {}
        self._logged = float("-inf")
        self._unlogged = 0

    def is_blocked(self, address: str) -> bool:
        """Whether as many wrong logins of this address wait as may."""
        return bool(self._waiting) and self._waiting.get(_source(address), 0) >= MAX_WAITING

    def check(self, address: str) -> None:
        """Raise a 429 while no login of this address is looked at."""
        if self.is_blocked(address):
            words = "There are too many failed logins from your address. Please check the login and wait a moment."
            raise ServiceError(429, "too_many_logins", words, {"retry-after": "1"})

    async def failed(self, address: str) -> None:
        """Log a failed login, and wait if the address has had too many."""
        self._log(address)
        source = _source(address)
        if not self._slow or not self._count(source):
            return
        self._waiting[source] = self._waiting.get(source, 0) + 1
        try:
            await asyncio.sleep(DELAY_SECONDS)
        finally:
            self._waiting[source] -= 1
            if not self._waiting[source]:
                del self._waiting[source]

    def _count(self, source: str) -> bool:
        """Count one more; gives whether it is one too many."""
        now = time.monotonic()
        times = self._failed.setdefault(source, deque(maxlen=FREE + 1))
        self._failed.move_to_end(source)
        if len(self._failed) > MAX_ADDRESSES:
            self._failed.popitem(last=False)
        times.append(now)
        return len(times) > FREE and now - times[0] <= WITHIN_SECONDS

    def _log(self, address: str) -> None:
        now = time.monotonic()
        if now - self._logged < LOG_SECONDS:
            self._unlogged += 1
            return
        more = f" ({self._unlogged} more since the last such line)" if self._unlogged else ""
        log.warning("failed login from %s%s", address, more)
        self._logged, self._unlogged = now, 0


def _source(address: str) -> str:
    """Whom an address belongs to: a host of IPv6 has a network of 64 bits to itself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and not parsed.ipv4_mapped:
        return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))
    return address
