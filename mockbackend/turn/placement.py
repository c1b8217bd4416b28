"""Where in the stored history a new user message goes: at the end, or in place of a message edited or regenerated.

1. An id that is in the history: there; what follows is replaced.
2. A list that is the client's whole conversation: by position, if the earlier user messages equal the stored ones.
3. Otherwise at the end; a list sent with a new conversation becomes its history.

An answer that waits for its client goes on in its place, or is closed where a new message follows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from ..events import Event
from ..messages import Message, text_of
from .going_on import closed, gone_on, waiting
from .request import ChatRequest


@dataclass(frozen=True, slots=True)
class Place:
    """How many messages stay before the new one, and the id of the message that it replaces.

    `rewritten` are those of the stored ones that the turn writes again before its own: a question and its answer that
    has waited. Where that goes on, it is the question alone, `answer_id` is the answer's, and `opening` what it has
    said and its client has sent.
    """

    base_length: int
    replaced: str | None = None
    rewritten: tuple[Message, ...] = ()
    answer_id: str | None = None
    opening: tuple[Event, ...] = ()


def needs_history(request: ChatRequest) -> bool:
    """Whether the place depends on the stored messages."""
    return (
        request.goes_on or request.positional or request.at_message is not None or request.messages[-1].id is not None
    )


def placed(request: ChatRequest, history: list[Message]) -> Place:
    """The place in this history. Raises ServiceError if it has no place there."""
    if request.goes_on:
        question, answer, opening = gone_on(history, request.answers)
        return Place(len(history) - 2, None, (question,), answer["id"], tuple(opening))
    base_length = place(request, history)
    if base_length == len(history) and (found := waiting(history)):
        question, answer = found
        return Place(base_length - 2, None, (question, closed(answer, request.answers)))
    return Place(base_length, history[base_length]["id"] if base_length < len(history) else None)


def placed_by_ids(request: ChatRequest, outline: list[list[str]], length: int) -> Place | None:
    """The place in a history of that length, of which the ids of each exchange are known; None if it must be read.

    So it is where its words decide, and where the first message is replaced, which gives the title.
    """
    ids = [one for exchange in outline for one in exchange]
    base_length = place_by_ids(request, outline) if len(ids) == length else None
    if not base_length:
        return None
    return Place(base_length, ids[base_length] if base_length < length else None)


def place(request: ChatRequest, history: list[Message]) -> int:
    """How many messages of the history stay, before the new one, or before the last one that the user wrote."""
    if request.goes_on:
        return max((index for index, message in enumerate(history) if message["role"] == "user"), default=0)
    for wanted in (request.at_message, request.messages[-1].id):
        for index, message in enumerate(history):
            if wanted is not None and message["id"] == wanted:
                # To regenerate an assistant message means to repeat the user message before it.
                return index if message["role"] == "user" else max(0, index - 1)
    if request.positional and request.messages[-1].id is None:
        return _by_position(request, history)
    return len(history)


def place_by_ids(request: ChatRequest, outline: list[list[str]]) -> int | None:
    """The same of a history of which the ids of each exchange are known; None if its words decide."""
    for wanted in (request.at_message, request.messages[-1].id):
        if wanted is None:
            continue
        for start, ids in zip(accumulate(map(len, outline), initial=0), outline, strict=False):
            if wanted in ids:
                # It begins with its user's message, unless it is the first and answers nothing.
                return start if wanted == ids[0] else start + ids.index(wanted) - 1
    if request.positional and request.messages[-1].id is None:
        earlier = sum(message.role == "user" for message in request.messages) - 1
        if earlier < len(outline):
            return None
    return sum(map(len, outline))


def _by_position(request: ChatRequest, history: list[Message]) -> int:
    sent = [message.text for message in request.messages if message.role == "user"]
    stored = [(index, message) for index, message in enumerate(history) if message["role"] == "user"]
    earlier = sent[:-1]
    if len(earlier) < len(stored) and earlier == [text_of(message) for _, message in stored[: len(earlier)]]:
        return stored[len(earlier)][0]
    return len(history)
