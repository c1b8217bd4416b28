"""What turns spend in a day (UTC), and the limits of it. A turn belongs to the day in which it began."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

DAY_MS = 24 * 60 * 60 * 1000
TOKENS_PER_PRICE = 1_000_000
# Three images of 0.7 cost 2.1, and floating-point numbers make a little less of it.
ROUNDING = 1 + 1e-12


class DayLimitReached(Exception):
    """A limit of the day is reached; nothing was stored. `setting` is its name."""

    def __init__(self, setting: str) -> None:
        super().__init__(setting)
        self.setting = setting


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent: turns, and what their calls of the model took. A turn's own has one turn."""

    turns: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    images: int = 0
    embedding_tokens: int = 0

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.turns + other.turns,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.images + other.images,
            self.embedding_tokens + other.embedding_tokens,
        )

    def __sub__(self, other: Spent) -> Spent:
        return Spent(
            self.turns - other.turns,
            self.input_tokens - other.input_tokens,
            self.output_tokens - other.output_tokens,
            self.images - other.images,
            self.embedding_tokens - other.embedding_tokens,
        )

    @property
    def tokens(self) -> int:
        """Input and output together, those of embeddings apart."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of a million tokens and of an image, in any one currency."""

    input_tokens: float = 0.0
    output_tokens: float = 0.0
    image: float = 0.0
    embedding_tokens: float = 0.0

    def cost(self, spent: Spent) -> float:
        """What that costs."""
        tokens = spent.input_tokens * self.input_tokens + spent.output_tokens * self.output_tokens
        tokens += spent.embedding_tokens * self.embedding_tokens
        return tokens / TOKENS_PER_PRICE + spent.images * self.image


@dataclass(frozen=True, slots=True)
class DayLimits:
    """What one user may spend in a day; None stands for any amount."""

    turns: int | None = None
    tokens: int | None = None
    images: int | None = None
    cost: float | None = None
    prices: Prices = Prices()

    def __bool__(self) -> bool:
        return any(limit is not None for limit in (self.turns, self.tokens, self.images, self.cost))

    def check(self, spent: Spent, call: Spent) -> None:
        """Check that `call` may be made after `spent`. Raises DayLimitReached.

        A limit is of account only if the call adds to it.
        """
        # Whatever the estimate says, a call that takes tokens takes some of both kinds.
        least = replace(call, input_tokens=call.tokens, output_tokens=call.tokens)
        cost = self.prices.cost(spent) * ROUNDING
        for setting, limit, so_far, more in (
            ("MAX_TURNS_PER_USER_PER_DAY", self.turns, spent.turns, call.turns),
            ("MAX_TOKENS_PER_USER_PER_DAY", self.tokens, spent.tokens, call.tokens),
            ("MAX_IMAGES_PER_USER_PER_DAY", self.images, spent.images, call.images),
            ("MAX_COST_PER_USER_PER_DAY", self.cost, cost, self.prices.cost(least)),
        ):
            if limit is not None and so_far >= limit and more:
                raise DayLimitReached(setting)


@dataclass(frozen=True, slots=True)
class ClaimLimits:
    """What a claim must keep within: the user's running turns, conversations, and what is spent in the day.

    `estimate` is what the turn is expected to spend at first.
    """

    running: int
    conversations: int
    day: DayLimits = DayLimits()
    estimate: Spent = Spent(1)


class Spending(Protocol):
    """What users have spent and stored."""

    async def of_day(self, userid: str, day: int) -> Spent:
        """What the user has spent on that day, counted from 1970, the running turns of all processes included."""

    async def embedded(self, userid: str, day: int, tokens: int) -> None:
        """Count the tokens of an embedding call, whatever it was for. It may be counted twice if an answer is lost."""

    async def forget(self, userid: str) -> None:
        """Forget what turns of the user that are over have spent, on all days."""

    async def stored_bytes(self, userid: str) -> int:
        """The bytes of the user's documents and images."""
