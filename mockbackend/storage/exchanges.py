"""The history as a request has it: exchanges, of which the store keeps the bytes that go out again with each turn."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from ..estimates import estimated_tokens, sent_messages
from ..messages import Message


@dataclass(frozen=True, slots=True)
class Exchange:
    """A user's message and all that follows it up to the next one's; answers may come before the first.

    `position` is the place of its first message, `ids` are its messages'. `wire` is what a request has of it, JSON
    objects with commas between them, of the kind that `shape` names. Without it, since it depends on the moment (an
    image) or was not kept, there are the `messages`.
    """

    position: int
    ids: list[str]
    messages: list[Message]
    wire: bytes | None = None
    shape: str = ""
    kept_tokens: int = 0
    kept_sent: int = 0

    @property
    def end(self) -> int:
        """The place after its last message."""
        return self.position + len(self.ids)

    @property
    def has_question(self) -> bool:
        """Whether it begins with a user's message."""
        return self.wire is not None or self.messages[0]["role"] == "user"

    @property
    def tokens(self) -> int:
        """About how many tokens it takes in a request."""
        return self.kept_tokens if self.wire is not None else sum(map(estimated_tokens, self.messages))

    @property
    def sent(self) -> int:
        """How many messages of a request it can become."""
        return self.kept_sent if self.wire is not None else sum(map(sent_messages, self.messages))


def exchanges(messages: list[Message], position: int = 0) -> list[Exchange]:
    """These messages, the first of which has that place, as exchanges."""
    starts = [index for index, message in enumerate(messages) if message["role"] == "user" or index == 0]
    return [
        Exchange(position + start, [message["id"] for message in messages[start:end]], messages[start:end])
        for start, end in pairwise([*starts, len(messages)])
    ]
