"""The context window: the newest turns of a long history, as many as the model can read.

The history itself always stays whole. A quarter of the window is left for the answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..errors import ContextExceeded, UpstreamError
from ..estimates import BYTES_PER_TOKEN, estimated_tokens
from ..messages import Message
from ..upstream.learned import Learned

# Azure takes 2,048 messages in a request, and system messages come on top of these.
MAX_MESSAGES = 2_000
ANSWER_SHARE = 0.25
# Below this, the last turn alone does not fit.
MIN_WINDOW_TOKENS = 16
MESSAGE_TOO_LONG = "Your message is longer than this model can read. Please shorten it."
ANSWER_TOO_LONG = (
    "The answers that are allowed here are longer than this model can write. The operator should lower CHAT_MAX_TOKENS."
)


def trim(history: list[Message], context_tokens: int | None) -> list[Message]:
    """The newest whole turns that fit; the last one always, since it asks the question. None: tokens have no limit."""
    if context_tokens is None and sum(len(message["parts"]) for message in history) <= MAX_MESSAGES:
        return history
    tokens = math.inf if context_tokens is None else context_tokens * (1 - ANSWER_SHARE)
    messages = MAX_MESSAGES
    start = len(history)
    for index in range(len(history) - 1, -1, -1):
        if context_tokens is not None:
            tokens -= estimated_tokens(history[index])
        messages -= _sent_messages(history[index])
        if (tokens < 0 or messages < 0) and start < len(history):
            break
        # A turn starts with its user's message, and is sent as a whole or not at all.
        if history[index]["role"] == "user":
            start = index
    return history[start:]


def _sent_messages(message: Message) -> int:
    """How many messages of a request it can become: each step of an answer is one, and each result of a tool."""
    if message["role"] == "user":
        return 1
    return sum(part["type"] in ("step", "tool") for part in message["parts"])


def last_turn(history: list[Message]) -> list[Message]:
    """The last user message, and what has answered it."""
    start = max((index for index, message in enumerate(history) if message["role"] == "user"), default=0)
    return history[start:]


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

    def answer(self, window: list[Message]) -> int | None:
        """How long the answer may be: what the settings say, or what is left of the context."""
        if self._answer_limit is None or self.context_tokens is None:
            return self._answer_limit
        left = self.context_tokens - self._estimate(window) - self._learned.uncounted_tokens
        return min(self._answer_limit, max(left, MIN_WINDOW_TOKENS))

    def _estimate(self, window: list[Message]) -> int:
        return self._systems + sum(map(estimated_tokens, window))

    def learn_answer(self, error: ContextExceeded, window: list[Message]) -> bool:
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

    def narrower(self, window: list[Message], error: ContextExceeded) -> list[Message]:
        """A narrower window than the refused one; raises the error if the last turn alone is too long.

        What the model says it can read is remembered. Without a number nothing is: it is this window that was too long.
        """
        known = self.context_tokens
        if error.limit:
            known = self._learned.context_tokens = min(error.limit, known or error.limit)
        tokens = known or sum(map(estimated_tokens, window))
        while len(shorter := trim(window, tokens)) == len(window):
            tokens = tokens * 4 // 5
            if tokens < MIN_WINDOW_TOKENS:
                raise UpstreamError(MESSAGE_TOO_LONG) if len(window) == 1 else error
        return shorter
