"""What a turn spends: each call of the model is counted, by what the model reports, else by an estimate."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ..errors import NOT_STORED, DailyLimit, TurnError
from ..estimates import BYTES_PER_TOKEN
from ..events import DELTAS, ImageMade, Usage
from ..storage import DayLimitReached, DayLimits, Exchange, Spent, StorageError, Turns
from .answer import Answer

IMAGE = Spent(images=1)
log = logging.getLogger("mockbackend.turn")


class ImageCall:
    """A call for an image, which counts as one, whatever tokens the model reports for it."""

    def __init__(self) -> None:
        self.spent = IMAGE

    def fail(self) -> None:
        """End it without an image: the model API has refused it."""
        self.spent = Spent()


class ChatCall:
    """A call of the chat model. Until its end, and where the model does not count, it is estimated."""

    def __init__(self, answer: Answer, systems: Sequence[str], window: list[Exchange]) -> None:
        self._events = answer.events
        self._measured = len(answer.events)
        self._output_bytes = 0
        self._systems = systems
        self._window = window
        self._input_tokens: int | None = None
        self._ended: Spent | None = None

    @property
    def spent(self) -> Spent:
        """What it takes."""
        return self._ended if self._ended is not None else self._estimate()

    def end(self, usage: Usage) -> None:
        """End it with what the model has counted; zeros if it has not."""
        reported = Spent(0, usage.prompt, usage.completion)
        self._ended = reported if usage != Usage() else self._estimate()
        self._window = []

    def fail(self) -> None:
        """End it without an answer: the model API has refused it."""
        self._ended = Spent()

    def _estimate(self) -> Spent:
        # Only now: it takes a look at every message, and hardly ever is it needed.
        if self._input_tokens is None:
            words = sum(len(text.encode()) // BYTES_PER_TOKEN for text in self._systems)
            self._input_tokens = words + sum(one.tokens for one in self._window)
        for event in self._events[self._measured :]:
            if field := DELTAS.get(type(event)):
                self._output_bytes += len(getattr(event, field).encode())
        self._measured = len(self._events)
        return Spent(0, self._input_tokens, -(-self._output_bytes // BYTES_PER_TOKEN))


class Budget:
    """The calls of one turn, within the limits of its user's day."""

    def __init__(self, answer: Answer, turns: Turns, limits: DayLimits) -> None:
        self._turn = answer.turn
        self._turns = turns
        self._limits = limits
        self._calls: list[ChatCall | ImageCall] = []
        self._earlier_images = sum(isinstance(event, ImageMade) for event in answer.events)
        # The limit that a call has met: the turn ends.
        self.reached: DailyLimit | None = None

    @property
    def spent(self) -> Spent:
        """What the turn has spent so far, with estimates of the calls that are under way."""
        return sum((call.spent for call in self._calls), Spent(self._turn.turns))

    @property
    def images(self) -> int:
        """How many images its answer has, with those that are under way."""
        return self._earlier_images + sum(call.spent.images for call in self._calls)

    async def begin(self, call: ChatCall | ImageCall) -> None:
        """Count a call that is about to be made. Raises DailyLimit; the first call was admitted with its turn."""
        is_first = not self._calls
        if not self._limits:
            self._calls.append(call)
            return
        # Calls may begin side by side: each counts those before it.
        before = self.spent
        self._calls.append(call)
        try:
            others = await self._turns.spend(self._turn, self.spent)
            if not is_first:
                self._limits.check(others + before, call.spent)
        except DayLimitReached as limit:
            self._calls.remove(call)
            self.reached = DailyLimit(limit.setting)
            raise self.reached from None
        except StorageError as error:
            self._calls.remove(call)
            log.error("what turn %s spends could not be written: %s", self._turn.turn_id, error)
            raise TurnError(NOT_STORED) from None
