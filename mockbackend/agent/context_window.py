"""The context window: the newest exchanges of a long history, as many as the model can read.

The history itself always stays whole. A quarter of the window is left for the answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import ContextExceeded, UpstreamError
from ..estimates import BYTES_PER_TOKEN
from ..storage import Exchange, Window
from ..storage.exchanges import newest
from ..upstream.learned import Learned

# Azure takes 2,048 messages in a request, and system messages come on top of these.
MAX_MESSAGES = 2_000
ANSWER_SHARE = 0.25
# As much as any model reads. Of a longer history the newest part is sent, even where nobody has said how much the model
# reads: a conversation may have gigabytes.
MOST_TOKENS = 10_000_000
# Below this, the last turn alone does not fit.
MIN_WINDOW_TOKENS = 16
MESSAGE_TOO_LONG = "Your message is longer than this model can read. Please shorten it."
ANSWER_TOO_LONG = (
    "The answers that are allowed here are longer than this model can write. The operator should lower CHAT_MAX_TOKENS."
)


def window(shape: str, context_tokens: int | None) -> Window:
    """What the history has of a model's context, which is that large; None where nobody has said so."""
    return Window(shape, _share(context_tokens), MAX_MESSAGES)


def trim(window: list[Exchange], context_tokens: int | None) -> list[Exchange]:
    """The newest exchanges that fit; the last one always, since it asks the question."""
    found = newest(window, _share(context_tokens), MAX_MESSAGES)
    # Answers before the first question may be as long as they like where nobody has said how much the model reads.
    is_narrow = context_tokens is not None and len(found) == len(window) > 1
    return window[1:] if is_narrow and not window[0].has_question else found


def _share(context_tokens: int | None) -> float:
    """How many tokens of a context that large are the history's."""
    return (MOST_TOKENS if context_tokens is None else context_tokens) * (1 - ANSWER_SHARE)


class Room:
    """How much of a model's context is there for the history and for the answer, by what the model has said of it.

    `answer_limit` is what the settings allow the answer, `systems` the system's words.
    """

    def __init__(self, learned: Learned, answer_limit: int | None, systems: Sequence[str]) -> None:
        self._learned = learned
        self._answer_limit = answer_limit
        self._systems = sum(len(text.encode()) // BYTES_PER_TOKEN for text in systems)

    @property
    def context_tokens(self) -> int | None:
        """How much the model can read and write; None if it has not said so."""
        return self._learned.context_tokens

    def answer(self, window: list[Exchange]) -> int | None:
        """How long the answer may be: what the settings say, or what is left of the context."""
        if self._answer_limit is None or self.context_tokens is None:
            return self._answer_limit
        left = self.context_tokens - self._estimate(window) - self._learned.uncounted_tokens
        return min(self._answer_limit, max(left, MIN_WINDOW_TOKENS))

    def _estimate(self, window: list[Exchange]) -> int:
        return self._systems + sum(one.tokens for one in window)

    def learn_answer(self, error: ContextExceeded, window: list[Exchange]) -> bool:
        """Learn that the answer's limit was too high; False if it was not, and the history is too long.

        Raises UpstreamError if no lower one is left.
        """
        learned, before = self._learned, self.answer(window)
        if before is None:
            return False
        if error.most_answered is not None:
            known, learned.most_answered = learned.most_answered, min(error.most_answered, before)
            if known == learned.most_answered:
                raise UpstreamError(ANSWER_TOO_LONG)
            return True
        limit = error.limit or self.context_tokens
        if limit is None or (error.asked is None and not error.answer_too_long and before < limit):
            if error.answer_too_long:
                raise UpstreamError(ANSWER_TOO_LONG)
            return False
        # Where most of the context is asked for, what is asked is too long.
        if error.asked is not None and error.asked > limit * (1 - ANSWER_SHARE) and not error.answer_too_long:
            return False
        learned.context_tokens = limit
        if error.asked is not None:
            learned.uncounted_tokens = max(learned.uncounted_tokens, error.asked - self._estimate(window))
        if (self.answer(window) or 0) < before:
            return True
        if error.answer_too_long:
            raise UpstreamError(ANSWER_TOO_LONG)
        return False

    def narrower(self, window: list[Exchange], error: ContextExceeded) -> list[Exchange]:
        """A narrower window than the refused one; raises the error if the last turn alone is too long.

        What the model says it can read is remembered. Without a number nothing is: it is this window that was too long.
        """
        known = self.context_tokens
        if error.limit:
            known = self._learned.context_tokens = min(error.limit, known or error.limit)
        tokens = known or sum(one.tokens for one in window)
        while len(shorter := trim(window, tokens)) == len(window):
            tokens = tokens * 4 // 5
            if tokens < MIN_WINDOW_TOKENS:
                raise UpstreamError(MESSAGE_TOO_LONG) if len(window) == window[0].length == 1 else error
        return shorter
