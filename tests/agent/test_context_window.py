"""The context window: which of a history's turns are sent."""

from __future__ import annotations

from typing import Any

import pytest

from mockbackend.agent.context_window import Room
from mockbackend.agent.context_window import trim as trim_window
from mockbackend.errors import ContextExceeded
from mockbackend.messages import Message, Part
from mockbackend.storage import Exchange
from mockbackend.storage.exchanges import exchanges
from mockbackend.upstream.learned import Learned

ATTACHMENT: Part = {"type": "attachment", "name": "n", "media_type": "text/plain", "text": "x" * 3_000}
CALL: Part = {"type": "tool", "id": "1", "name": "n", "args": {}, "result": {}}


def message(role: Any, tokens: int) -> Message:
    """A message that is estimated at this many tokens."""
    return holding(role, {"type": "text", "text": "x" * (3 * (tokens - 5))})


def holding(role: Any, part: Part) -> Message:
    """A message of this part."""
    return {"id": "m", "role": role, "turn": "t", "at": 0, "parts": [part]}


def turns(*tokens: int) -> list[Message]:
    """Messages of users and assistants in turn, of this many tokens each."""
    return [message("assistant" if index % 2 else "user", one) for index, one in enumerate(tokens)]


def messages_of(window: list[Exchange]) -> list[Message]:
    """All messages of a window."""
    return [one for exchange in window for one in exchange.messages]


def trim(history: list[Message], context: int | None) -> list[Message]:
    """The messages that are sent of a history."""
    return messages_of(trim_window(exchanges(history), context))


@pytest.mark.parametrize(
    ("history", "context", "kept"),
    [
        (turns(), None, 0),
        (turns(100, 100, 100), None, 3),
        (turns(100, 100, 100), 400, 3),
        (turns(100, 100, 100), 399, 1),
        # More than any model reads is not sent, though it has not said how much that is.
        (turns(3_700_000, 10, 3_700_000, 10, 10), None, 5),
        (turns(3_800_000, 10, 3_700_000, 10, 10), None, 3),
        # A turn goes as a whole: its answer alone would fit.
        (turns(100, 100, 100), 300, 1),
        (turns(100, 20, 100, 20, 100), 320, 3),
        # The last turn is always sent, whatever its size.
        (turns(100, 100, 10_000), 400, 1),
        (turns(100, 100, 10_000, 10_000), 400, 2),
        # Nothing older than a turn that does not fit is sent, either.
        (turns(10, 10, 10_000, 10, 10), 400, 1),
        ([*turns(10, 10), holding("user", {"type": "picture", "token": "t"}), *turns(10)], 2_000, 4),
        ([*turns(10, 10), holding("user", {"type": "picture", "token": "t"})], 1_100, 1),
        ([holding("user", ATTACHMENT), *turns(10)], 1_200, 1),
        ([message("assistant", 10), *turns(10, 10)], 1_000, 2),
    ],
)
def test_the_newest_whole_turns_that_fit_are_sent(history: list[Message], context: int | None, kept: int) -> None:
    assert trim(history, context) == history[len(history) - kept :]


def test_no_more_messages_are_sent_than_azure_takes() -> None:
    called: list[Part] = [
        {"type": "step"},
        *[CALL] * 7,
        {"type": "step"},
        {"type": "text", "text": ""},
    ]
    answer: Message = {**message("assistant", 10), "parts": called}
    # Ten a turn: its user's message, two of the assistant and seven results.
    history = [one for _ in range(300) for one in (message("user", 10), answer)] + turns(10)
    kept = trim(history, None)
    assert len(kept) == 2 * 199 + 1
    assert kept[0]["role"] == "user"


def test_the_bytes_of_a_text_are_counted_not_its_letters() -> None:
    history = [holding("user", {"type": "text", "text": "日" * 300}), message("assistant", 10), message("user", 10)]
    assert len(trim(history, 434)) == 3
    assert len(trim(history, 432)) == 1


def test_a_refusal_without_a_number_narrows_this_turn_alone() -> None:
    learned = Learned()
    room, history = Room(learned, None, []), exchanges(turns(10, 10, 10))
    assert room.narrower(history, ContextExceeded()) == history[1:]
    assert learned.context_tokens is None
    assert room.narrower(history, ContextExceeded(limit=4096)) == history[1:]
    assert learned.context_tokens == 4096
