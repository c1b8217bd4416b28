"""Where in the stored history a new user message goes: at the end, or in place of a message edited or regenerated.

1. An id that is in the history: there; what follows is replaced.
2. A list that is the client's whole conversation: by position, if the earlier user messages equal the stored ones.
3. Otherwise at the end; a list sent with a new conversation becomes its history.

An answer that waits for its client goes on in its place, or is closed where a new message follows it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate

from ..messages import Message, text_of, title_of
from .going_on import Continuation, closed, continuation, waiting
from .request import ChatRequest


@dataclass(frozen=True, slots=True)
class Place:
    """How many messages stay before the new one, and the id of the message that it replaces.

    `rewritten` are those of the stored ones that the turn writes again before its own: a question and its answer that
    has waited; the question alone where the answer goes on.
    """

    base_length: int
    replaced: str | None = None
    rewritten: tuple[Message, ...] = ()
    continuation: Continuation | None = None


@dataclass(slots=True)
class Outline:
    """What the place of a new message depends on of a history, which is given some messages at a time.

    `sent` are the words of the user's earlier messages as the client has them. `known` counts those that are stored so,
    from the first on, `users` are the places of all of the user's, `last` are the last two messages.
    """

    sent: list[str]
    ids: list[str] = field(default_factory=list)
    users: list[int] = field(default_factory=list)
    known: int = 0
    title: str = ""
    last: list[Message] = field(default_factory=list)

    @classmethod
    def of(cls, request: ChatRequest, history: Iterable[Message] = ()) -> Outline:
        """The outline of these messages, for that request."""
        made = cls([message.text for message in request.messages if message.role == "user"][:-1])
        made.add(history)
        return made

    def __len__(self) -> int:
        return len(self.ids)

    def add(self, messages: Iterable[Message]) -> None:
        """Take what follows."""
        for message in messages:
            if message["role"] == "user":
                if not self.users:
                    self.title = title_of([message])
                number = len(self.users)
                if self.known == number < len(self.sent) and text_of(message) == self.sent[number]:
                    self.known += 1
                self.users.append(len(self.ids))
            self.ids.append(message["id"])
            self.last = [*self.last[-1:], message]


def needs_history(request: ChatRequest) -> bool:
    """Whether the place depends on the stored messages."""
    return (
        request.goes_on or request.positional or request.at_message is not None or request.messages[-1].id is not None
    )


def placed(request: ChatRequest, history: Outline) -> Place:
    """The place in this history. Raises ServiceError if it has no place there."""
    if request.goes_on:
        found = continuation(history.last, request.answers)
        return Place(len(history) - 2, None, (found.question,), found)
    base_length = place(request, history)
    if base_length == len(history) and (exchange := waiting(history.last)):
        question, answer = exchange
        return Place(base_length - 2, None, (question, closed(answer, request.answers)))
    return Place(base_length, history.ids[base_length] if base_length < len(history) else None)


def placed_by_ids(request: ChatRequest, outline: list[list[str]], length: int) -> Place | None:
    """The place in a history of that length, of which the ids of each exchange are known; None if it must be read.

    So it is where its words decide, and where the first message is replaced, which gives the title.
    """
    ids = [one for exchange in outline for one in exchange]
    base_length = place_by_ids(request, outline) if len(ids) == length else None
    if not base_length:
        return None
    return Place(base_length, ids[base_length] if base_length < length else None)


def place(request: ChatRequest, history: Outline) -> int:
    """How many messages of the history stay, before the new one, or before the last one that the user wrote."""
    if request.goes_on:
        return max(history.users, default=0)
    for wanted in (request.at_message, request.messages[-1].id):
        if wanted is not None and wanted in history.ids:
            index = history.ids.index(wanted)
            # To regenerate an assistant message means to repeat the user message before it.
            return index if index in history.users else max(0, index - 1)
    is_by_position = request.positional and request.messages[-1].id is None
    if is_by_position and history.known == len(history.sent) < len(history.users):
        return history.users[history.known]
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
