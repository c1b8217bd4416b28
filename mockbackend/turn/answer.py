"""An answer in the making: what the generators of a turn write, and read their events from.

It keeps the events in their legal order, sums the usage, and knows how to end: by itself, stopped, or failed. However
it ends, its calls have results and its steps are closed, so that what is stored is valid.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from .. import events as ev
from ..errors import INTERNAL, PromptRefused, TurnError
from ..events import Event, FinishReason, Order, Usage
from ..messages import INTERRUPTED, Message, answer_message
from ..storage import Turn

TOO_LONG = "too long"
log = logging.getLogger("mockbackend.turn")


class Stop:
    """A wish to end the turn. What is awaited within `scope` is cancelled by it, and the cancelling goes no further."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    def request(self, reason: str) -> None:
        """Ask for the end; the first reason stays."""
        if self.reason is None:
            self.reason = reason
            for task in self._tasks:
                task.cancel()

    def scope(self) -> AbstractAsyncContextManager[None]:
        """Work that a stop ends; asyncio.timeout's way of telling its own cancelling from others'."""
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
        # Within another scope of this task the work is the outer one's: it ends as a whole.
        self._outermost = task not in self._tasks
        if not self._outermost:
            return
        self._cancelling = task.cancelling()
        self._tasks.add(task)
        if self._stop.reason is not None:
            task.cancel()

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: object) -> bool:
        if not self._outermost:
            return False
        task = self._task
        self._tasks.discard(task)
        if self._stop.reason is None:
            return False
        cancelled = kind is not None and issubclass(kind, asyncio.CancelledError)
        arrived = False
        if not cancelled:
            # The work ended before its cancelling arrived, which would otherwise hit the next await outside.
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                arrived = True
        others = task.cancelling() > self._cancelling and task.uncancel() > self._cancelling
        if others and arrived:
            # What arrived was theirs as well: let it come again, outside.
            task.uncancel()
            task.cancel()
        return cancelled and not others


class Answer:
    """The answer of a turn, as its events make it."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.events: list[Event] = []
        self.stop = Stop()
        self.usage = Usage()
        self.finish: FinishReason | None = None
        self.steps = 0
        self._order = Order()
        self._waiter: asyncio.Future[None] | None = None

    def emit(self, event: Event) -> None:
        """Let something happen; OrderError where it may not."""
        self._order.follow(event)
        self.events.append(event)
        self.wake()

    def begin_step(self) -> None:
        """A model call begins."""
        self.steps += 1
        self.emit(ev.StepStarted(self.turn.message_id))

    def end_step(self, reason: FinishReason, usage: Usage) -> None:
        """A model call and its tools are done; `tool-calls` means that another follows."""
        self.usage += usage
        self.emit(ev.StepEnded(reason, usage))
        if reason != "tool-calls":
            self.finish = reason

    @property
    def between_steps(self) -> bool:
        """Whether the next step has yet to begin."""
        return self._order.state in ("idle", "between")

    def fail(self, message: str) -> None:
        """End the turn with an error that people may read."""
        self._begin_if_idle()
        self.close_calls()
        self.emit(ev.Failed(message))
        if self._order.state == "failed":
            self.emit(ev.StepEnded("error", Usage()))
        self.finish = "error"

    def end_stopped(self) -> None:
        """End the turn because it was asked to; what was said stays."""
        if self.stop.reason == TOO_LONG:
            self.fail("The answer took too long and was stopped.")
            return
        self._begin_if_idle()
        self.close_calls()
        if self._order.state == "step":
            self.emit(ev.StepEnded("stop", Usage()))
        self.finish = "stop"

    def _begin_if_idle(self) -> None:
        # Even a turn that ended before it said anything is a whole one to whoever reads it.
        if self._order.state == "idle":
            self.begin_step()

    @property
    def complete(self) -> bool:
        """Whether the answer came to its own end."""
        return self.stop.reason is None and self.finish not in (None, "error")

    def message(self) -> Message:
        """The answer as it is stored, with all that has been said so far."""
        turn = self.turn
        return answer_message(turn.message_id, turn.turn_id, turn.started_at, self.events, complete=self.complete)

    def refuse_prompt(self) -> None:
        """Mark the user's message as one that the filter refused: it is shown, and never sent again."""
        self.turn.new_messages[-1]["refused"] = True

    async def more(self) -> None:
        """Wait until another event happens, or `wake`. One waits at a time."""
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def wake(self) -> None:
        """Make a waiting `more` return."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def close_calls(self) -> None:
        """Give every call that has no result the reason as one."""
        started = {event.call_id: event.name for event in self.events if isinstance(event, ev.ToolCallStarted)}
        for call_id in self._order.pending_calls():
            if self._order.calls[call_id] == "arguments":
                self.emit(ev.ToolCalled(call_id, started[call_id], {}))
            self.emit(ev.ToolReturned(call_id, {"error": INTERRUPTED}, failed=True))


@asynccontextmanager
async def guarded(answer: Answer) -> AsyncIterator[None]:
    """Work on an answer that never raises: where it fails, or is stopped, the answer ends and says so."""
    try:
        async with answer.stop.scope():
            yield
    except TurnError as error:
        if isinstance(error, PromptRefused):
            answer.refuse_prompt()
        # A call that was stopped may fail as it is closed: the stop is how it ended.
        if answer.stop.reason is None:
            answer.fail(error.message)
    except Exception:
        log.exception("turn %s failed", answer.turn.turn_id)
        answer.fail(INTERNAL)
    if answer.stop.reason is not None and answer.finish is None:
        answer.end_stopped()


async def stream_events(answer: Answer, work: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[Event]:
    """Run `work`, which writes to `answer`, and yield the events as they come; raises what it raised."""
    task = asyncio.create_task(work())
    task.add_done_callback(lambda _: answer.wake())
    position = 0
    try:
        while True:
            while position < len(answer.events):
                yield answer.events[position]
                position += 1
            if task.done():
                break
            await answer.more()
        await task
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
