"""Work on a daemon thread of its own, and how much of it one user may have at once.

A pool would be blocked by work that hangs, and joined at exit.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[[], T], name: str) -> T:
    """Run `work` on a thread, and return or raise what it does. The thread goes on if the caller is cancelled."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()
    context = contextvars.copy_context()

    def resolve(result: Any, error: BaseException | None) -> None:
        if not future.done():
            future.set_result((result, error))

    def run() -> None:
        result, error = None, None
        try:
            result = context.run(work)
        except BaseException as raised:
            error = raised
        # The loop may be closed by now.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(resolve, result, error)

    threading.Thread(target=run, daemon=True, name=name).start()
    result, error = await future
    if error is not None:
        raise error
    returned: T = result
    return returned


@dataclass(slots=True)
class _Share:
    places: asyncio.Semaphore
    users: int = 0


@dataclass(slots=True)
class Places:
    """Places for work that takes long: `each` for one user, `in_all` for everybody.

    Those of one user queue for that user's places first, so that they never fill the queue for everybody's.
    """

    each: int
    in_all: int
    _shares: dict[str, _Share] = field(default_factory=dict)
    _all: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._all = asyncio.Semaphore(self.in_all)

    async def take(self, userid: str) -> None:
        """Wait for a place and take it."""
        share = self._shares.setdefault(userid, _Share(asyncio.Semaphore(self.each)))
        share.users += 1
        try:
            await share.places.acquire()
            try:
                await self._all.acquire()
            except BaseException:
                share.places.release()
                raise
        except BaseException:
            self._forget(userid)
            raise

    def give_back(self, userid: str) -> None:
        """Give a place back."""
        self._all.release()
        self._shares[userid].places.release()
        self._forget(userid)

    @asynccontextmanager
    async def one(self, userid: str) -> AsyncIterator[None]:
        """A place for as long as the context lasts."""
        await self.take(userid)
        try:
            yield
        finally:
            self.give_back(userid)

    def _forget(self, userid: str) -> None:
        share = self._shares[userid]
        share.users -= 1
        if not share.users:
            del self._shares[userid]
