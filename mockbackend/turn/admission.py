"""Which turns may begin in this process: up to the limits of one user and of all, and none once it drains."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ..errors import DailyLimit, ServiceError, unusable
from ..messages import now_ms
from ..settings import Settings
from ..storage.spending import DAY_MS

PER_USER = "MAX_RUNNING_TURNS_PER_USER"


class Admission:
    """The count of turns that are beginning or running in this process."""

    def __init__(self, settings: Settings) -> None:
        self._per_user = settings.max_running_turns_per_user
        self._in_all = settings.max_running_turns
        self._taken: Counter[str] = Counter()
        self._beginnings: set[asyncio.Timeout] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        # `draining`: no turn may begin. `cut`: the turns that are beginning or running are cut short.
        self.draining = False
        self.cut = False

    @asynccontextmanager
    async def beginning(self, userid: str) -> AsyncIterator[None]:
        """Count a turn while it begins, and until `leave` unless this raises. Raises ServiceError: 429, 503."""
        self._check(userid)
        self._taken[userid] += 1
        self._idle.clear()
        limit = asyncio.timeout(None)
        self._beginnings.add(limit)
        try:
            async with limit:
                yield
        except BaseException as error:
            self.leave(userid)
            if isinstance(error, TimeoutError) and limit.expired():
                raise _draining() from None
            raise
        finally:
            self._beginnings.discard(limit)

    def leave(self, userid: str) -> None:
        """Give up a turn's place."""
        self._taken[userid] -= 1
        if not self._taken[userid]:
            del self._taken[userid]
        if not self._taken:
            self._idle.set()

    async def drain(self, seconds: float) -> None:
        """Admit no more turns. Wait `seconds` for the others, then refuse those that have not begun."""
        self.draining = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        self.cut = True
        for limit in self._beginnings:
            if not limit.expired():
                limit.reschedule(0)

    async def idle(self) -> None:
        """Wait until no turn begins or runs."""
        await self._idle.wait()

    def _check(self, userid: str) -> None:
        if self.draining:
            raise _draining()
        # The claim counts a user's running answers of all processes; those that are just beginning are counted here.
        if self._taken[userid] >= self._per_user:
            raise too_many_turns(self._per_user, PER_USER)
        if self._taken.total() >= self._in_all:
            raise too_many_turns(self._in_all, "MAX_RUNNING_TURNS")


def too_many_turns(limit: int, setting: str) -> ServiceError:
    """The refusal of a turn beyond the limit that is set so."""
    words = f"{limit} answers are running already ({setting}). Please wait for one to end."
    return ServiceError(429, "too_many_turns", words, {"retry-after": "2"})


def too_many_conversations(limit: int) -> ServiceError:
    """The refusal of a conversation beyond the limit."""
    return unusable(
        f"You have {limit} conversations, and no more can be kept (MAX_CONVERSATIONS_PER_USER). "
        "Delete one, or go on in one that you have."
    )


def day_is_over(setting: str) -> ServiceError:
    """The refusal of a turn where a limit of the day is reached."""
    seconds = -(-(DAY_MS - now_ms() % DAY_MS) // 1000)
    return ServiceError(429, "daily_limit", DailyLimit(setting).message, {"retry-after": str(seconds)})


def _draining() -> ServiceError:
    return ServiceError(503, "draining", "The service is shutting down. Please try again.", {"retry-after": "5"})
