"""The answer of a turn while it is being made: the turn's work writes events to it, and listeners hear of each at once.

It keeps the events in their legal order, sums the usage, and ends in one of three ways: by itself, stopped, or failed.
However it ends, its tool calls have results and its steps are closed, so what is stored is valid.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from .. import events as ev
from ..errors import INTERNAL, TAKEN_OVER, PromptRefused, TurnError
from ..events import Event, FinishReason, Order, Usage, load
from ..log import TurnFields
from ..messages import INTERRUPTED, NOT_ANSWERED, Message, answer_message
from ..storage import Turn, traceback_of
from .stopping import Stop

TOO_LONG = "too long"
LAPSED = "lapsed"
log = logging.getLogger("mockbackend.turn")


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
        self.listeners: list[Callable[[Event], None]] = []
        for event in load(turn.opening) if turn.opening else ():
            self._go_on(event)
        # How many events there were before this turn's own.
        self.earlier = len(self.events)
        # Whether it posts by itself, as the AI SDK's pages do, once all calls of the last step have results.
        self.client_posts = self.earlier > 0

    def _go_on(self, event: Event) -> None:
        """Take an event of before."""
        self._order.follow(event)
        self.events.append(event)
        if isinstance(event, ev.StepStarted):
            self.steps += 1
        elif isinstance(event, ev.StepEnded):
            self.usage += event.usage

    def emit(self, event: Event) -> None:
        """Add an event. Raises OrderError if it may not come now."""
        self._order.follow(event)
        self.events.append(event)
        for listener in self.listeners:
            listener(event)

    def begin_step(self) -> None:
        """Begin a model call."""
        self.steps += 1
        self.log_fields.step = self.steps
        self.emit(ev.StepStarted(self.turn.message_id))

    def end_step(self, reason: FinishReason, usage: Usage) -> None:
        """End a model call and its tools. `tool-calls` means that another call follows, unless calls are open."""
        self.usage += usage
        self.emit(ev.StepEnded(reason, usage))
        if reason != "tool-calls":
            self.finish = reason
        else:
            self.wait()

    def wait(self) -> None:
        """End the turn for now if calls are open, which its client is to answer."""
        if self._order.open_calls():
            self.finish = "tool-calls"

    @property
    def between_steps(self) -> bool:
        """Whether the next step has not begun yet."""
        return self._order.state in ("idle", "between", "waiting")

    @property
    def tool_calls(self) -> int:
        """How many tool calls there have been."""
        return sum(isinstance(event, ev.ToolCalled) for event in self.events)

    def is_approved(self, call_id: str) -> bool:
        """Whether the user has said yes to this call."""
        return self._order.is_approved(call_id)

    @property
    def approved_calls(self) -> list[ev.ToolCalled]:
        """The calls that the user has said yes to, and that have no result."""
        return [
            event
            for event in self.events
            if isinstance(event, ev.ToolCalled) and self._order.is_approved(event.call_id)
        ]

    def fail(self, message: str) -> None:
        """End the turn with an error message for the user."""
        self._begin_if_idle()
        self.close_calls()
        self._leave_calls()
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
        if self.stop.reason != "stopped" and self._order.open_calls():
            # Nobody has asked for its end: what waits for the client still does.
            self.close_calls(leave_open=True)
            if self._order.state == "step":
                self.emit(ev.StepEnded("tool-calls", Usage()))
            self.finish = "tool-calls"
            return
        self.close_calls()
        self._leave_calls()
        if self._order.state != "over":
            # The finish reasons of the protocols have none for this.
            reason = "stopped" if self.stop.reason == "stopped" else "interrupted"
            self.emit(ev.Progress("incomplete", {"reason": reason}))
        if self._order.state == "step":
            self.emit(ev.StepEnded("stop", Usage()))
        self.finish = "stop"

    def _leave_calls(self) -> None:
        """Begin a step for the end of the turn if the last one has calls, and the client would post for them."""
        if not self.client_posts:
            return
        start = max(index for index, event in enumerate(self.events) if isinstance(event, ev.StepStarted))
        if any(isinstance(event, ev.ToolCalled) for event in self.events[start:]):
            if self._order.state == "step":
                self.emit(ev.StepEnded("tool-calls", Usage()))
            self.begin_step()

    def _begin_if_idle(self) -> None:
        # A turn that ended before it said anything has a step all the same: readers expect one.
        if self._order.state == "idle":
            self.begin_step()

    @property
    def complete(self) -> bool:
        """Whether the answer ended by itself."""
        # One that waits is whole so far, whatever has ended its turn.
        return self.finish == "tool-calls" or (self.stop.reason is None and self.finish not in (None, "error"))

    def message(self) -> Message:
        """The message to store: all that has been said so far."""
        turn = self.turn
        return answer_message(turn.message_id, turn.turn_id, turn.started_at, self.events, complete=self.complete)

    def refuse_prompt(self) -> None:
        """Mark the user's message as refused by the filter: it is shown, and never sent again."""
        self.turn.new_messages[-1]["refused"] = True

    def close_calls(self, *, leave_open: bool = False) -> None:
        """Give every tool call without a result an error that says why; with `leave_open` not those that wait."""
        started = {event.call_id: event.name for event in self.events if isinstance(event, ev.ToolCallStarted)}
        are_open = self._order.open_calls()
        for call_id in self._order.pending_calls():
            if call_id in are_open and leave_open:
                continue
            if self._order.calls[call_id] == "arguments":
                self.emit(ev.ToolCalled(call_id, started[call_id], {}))
            why = NOT_ANSWERED if call_id in are_open else INTERRUPTED
            self.emit(ev.ToolReturned(call_id, {"error": why}, failed=True))


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
