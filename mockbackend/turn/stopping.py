"""The request to end a turn, and the work that it ends."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any


class Stop:
    """A request to end the turn. It cancels what is awaited within `scope`, and the cancellation stops there."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    def request(self, reason: str) -> None:
        """Request the end. The first reason counts."""
        if self.reason is None:
            self.reason = reason
            for task in self._tasks:
                task.cancel()

    def scope(self) -> AbstractAsyncContextManager[None]:
        """A context for work that a stop ends."""
        return _StopScope(self, self._tasks)


class _StopScope(AbstractAsyncContextManager[None]):
    def __init__(self, stop: Stop, tasks: set[asyncio.Task[Any]]) -> None:
        self._stop = stop
        self._tasks = tasks

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a stop scope needs a task")
        self._task = task
        # Inside another scope of the same task the outer one ends the work, as a whole.
        self._outermost = task not in self._tasks
        if not self._outermost:
            return
        self._cancelling = task.cancelling()
        self._tasks.add(task)
        if self._stop.reason is not None:
            task.cancel()

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: object) -> bool:
        # True swallows the exception. Only our own cancellation may be swallowed, exactly once, and nobody else's may
        # get lost. What can happen:
        #
        # 1. Nothing was requested: whatever came, also a CancelledError, is not ours.
        # 2. Our `cancel()` arrived as the exception: swallow it and take it off the task's count (`uncancel`), as
        #    asyncio.timeout does. If the count is still above what it was at the start, somebody else cancelled the
        #    task too. The two arrive as one exception, so it has to go on.
        # 3. The work ended, or failed, before our `cancel()` was delivered. Python 3.11 delivers a pending
        #    cancellation at the next await, even after `uncancel`; that would be an innocent one outside this scope.
        #    So it is awaited here (`sleep(0)`), and eaten.
        # 4. As 3, and somebody else cancelled too: the exception that was eaten was theirs as well. It is sent again,
        #    so that it arrives outside; `uncancel` first, since `cancel` counts it a second time.
        #
        # The count (`task.cancelling()`) is the only thing that tells our cancellation from others': the exceptions are
        # equal. `tests/turn/test_stop_scope.py` drives each case on every await.
        if not self._outermost:
            return False
        task = self._task
        self._tasks.discard(task)
        if self._stop.reason is None:
            return False
        cancelled = kind is not None and issubclass(kind, asyncio.CancelledError)
        arrived = False
        if not cancelled:
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                arrived = True
        others = task.cancelling() > self._cancelling and task.uncancel() > self._cancelling
        if others and arrived:
            task.uncancel()
            task.cancel()
        return cancelled and not others
