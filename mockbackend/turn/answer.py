"""The answer of a turn while it is being made: the turn's work writes events to it, the turn's generator reads them.

It keeps the events in their legal order, sums the usage, and ends in one of three ways: by itself, stopped, or failed.
However it ends, its tool calls have results and its steps are closed, so what is stored is valid.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from .. import events as ev
from ..errors import INTERNAL, TAKEN_OVER, PromptRefused, TurnError
from ..events import Event, FinishReason, Order, Usage
from ..log import TurnFields
from ..messages import INTERRUPTED, Message, answer_message
from ..storage import Turn, traceback_of

TOO_LONG = "too long"
LAPSED = "lapsed"
log = logging.getLogger("mockbackend.turn")


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


class Answer:
    """The answer of one turn: its events, and what follows from them."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.log_fields = TurnFields(turn.turn_id, turn.conversation_id, turn.userid)
        self.events: list[Event] = []
        self.stop = Stop()
        self.usage = Usage()
        self.finish: FinishReason | None = None
        self.steps = 0
        self._order = Order()
        self._waiter: asyncio.Future[None] | None = None

    def emit(self, event: Event) -> None:
        """Add an event. Raises OrderError if it may not come now."""
        self._order.follow(event)
        self.events.append(event)
        self.wake()

    def begin_step(self) -> None:
        """Begin a model call."""
        self.steps += 1
        self.log_fields.step = self.steps
        self.emit(ev.StepStarted(self.turn.message_id))

    def end_step(self, reason: FinishReason, usage: Usage) -> None:
        """End a model call and its tools. `tool-calls` means that another call follows."""
        self.usage += usage
        self.emit(ev.StepEnded(reason, usage))
        if reason != "tool-calls":
            self.finish = reason

    @property
    def between_steps(self) -> bool:
        """Whether the next step has not begun yet."""
        return self._order.state in ("idle", "between")

    def fail(self, message: str) -> None:
        """End the turn with an error message for the user."""
        self._begin_if_idle()
        self.close_calls()
        self.emit(ev.Failed(message))
        if self._order.state == "failed":
            self.emit(ev.StepEnded("error", Usage()))
        self.finish = "error"

    def end_stopped(self) -> None:
        """End the turn because a stop was requested. What was said stays."""
        if self.stop.reason == TOO_LONG:
            self.fail("The answer took too long and was stopped (MAX_TURN_SECONDS).")
            return
        if self.stop.reason == LAPSED:
            # What the client has heard is perhaps not what is stored.
            self.fail(TAKEN_OVER)
            return
        self._begin_if_idle()
        self.close_calls()
        if self._order.state != "over":
            # The finish reasons of the protocols have none for this.
            reason = "stopped" if self.stop.reason == "stopped" else "interrupted"
            self.emit(ev.Progress("incomplete", {"reason": reason}))
        if self._order.state == "step":
            self.emit(ev.StepEnded("stop", Usage()))
        self.finish = "stop"

    def _begin_if_idle(self) -> None:
        # A turn that ended before it said anything has a step all the same: readers expect one.
        if self._order.state == "idle":
            self.begin_step()

    @property
    def complete(self) -> bool:
        """Whether the answer ended by itself."""
        return self.stop.reason is None and self.finish not in (None, "error")

    def message(self) -> Message:
        """The message to store: all that has been said so far."""
        turn = self.turn
        return answer_message(turn.message_id, turn.turn_id, turn.started_at, self.events, complete=self.complete)

    def refuse_prompt(self) -> None:
        """Mark the user's message as refused by the filter: it is shown, and never sent again."""
        self.turn.new_messages[-1]["refused"] = True

    async def more(self) -> None:
        """Wait for the next event, or for `wake`. Only one waiter at a time."""
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def wake(self) -> None:
        """Make a waiting `more` return."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def close_calls(self) -> None:
        """Give every tool call without a result an error that says why."""
        started = {event.call_id: event.name for event in self.events if isinstance(event, ev.ToolCallStarted)}
        for call_id in self._order.pending_calls():
            if self._order.calls[call_id] == "arguments":
                self.emit(ev.ToolCalled(call_id, started[call_id], {}))
            self.emit(ev.ToolReturned(call_id, {"error": INTERRUPTED}, failed=True))


@asynccontextmanager
async def guarded(answer: Answer) -> AsyncIterator[None]:
    """A context for work on an answer. It never raises: if the work fails or is stopped, the answer ends so."""
    try:
        async with answer.stop.scope():
            yield
    except TurnError as error:
        if isinstance(error, PromptRefused):
            answer.refuse_prompt()
        # A stopped call may fail while it is being closed. It still counts as stopped.
        if answer.stop.reason is None:
            answer.fail(error.message)
    except Exception as error:
        log.error("turn %s failed: %s", answer.turn.turn_id, error, exc_info=traceback_of(error))
        answer.fail(INTERNAL)
    if answer.stop.reason is not None and answer.finish is None:
        answer.end_stopped()


async def stream_events(answer: Answer, work: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[Event]:
    """Run `work`, which writes to `answer`, and yield the events as they come. Raises what `work` raises."""
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
