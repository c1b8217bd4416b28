"""The turn that a request asks for, before it has its place: what does not change from one attempt to the next."""

from __future__ import annotations

from functools import cached_property
from typing import assert_never

from ..errors import unusable
from ..estimates import BYTES_PER_TOKEN
from ..events import dump
from ..messages import Message, Part, now_ms, title_of
from ..mock import drawn
from ..storage import Conversation, Spent, Turn
from .going_on import NOTHING_OPEN
from .placement import Place, needs_history
from .request import ChatRequest


class TurnDraft:
    """A turn of that user's. `attached` are the stored attachments of each message of the request.

    Ids are drawn when they are first needed, in the context of that call.
    """

    def __init__(
        self,
        turn_id: str,
        userid: str,
        request: ChatRequest,
        framing: str,
        attached: list[list[Part]],
        max_messages: int,
    ) -> None:
        self.request = request
        self._turn_id = turn_id
        self._message_id = f"msg-{drawn.uuid().hex}"
        self._at = now_ms()
        self._userid = userid
        self._framing = framing
        self._attached = attached
        self._max_messages = max_messages
        self._made: dict[int, Message] = {}

    @property
    def title(self) -> str:
        """What the conversation is called if the turn begins it."""
        first = next((index for index, sent in enumerate(self.request.messages) if sent.role == "user"), None)
        return title_of([] if first is None else [self._message(first)])

    @cached_property
    def messages(self) -> list[Message]:
        """All messages of the request, each with a unique id: ids say where a later message goes."""
        by_id: dict[str, Message] = {}
        for message in map(self._message, range(len(self.request.messages))):
            by_id[message["id"] if message["id"] not in by_id else drawn.uuid().hex] = message
        return [{**message, "id": message_id} for message_id, message in by_id.items()]

    @property
    def estimate(self) -> Spent:
        """What the turn spends at least, as far as it shows before its history is read."""
        match self.request.mode:
            case "chat":
                return Spent(0 if self.request.goes_on else 1, len(self.request.text) // BYTES_PER_TOKEN + 1)
            case "image":
                return Spent(1, images=1)
            case mode:
                assert_never(mode)

    def is_placed_in_history(self, conversation: Conversation) -> bool:
        """Whether its place depends on the conversation's messages."""
        return conversation.message_count > 0 and (needs_history(self.request) or conversation.is_waiting)

    def placed(self, conversation: Conversation, at: Place) -> Turn:
        """The turn at that place. Raises ServiceError: 422."""
        onward = at.continuation
        return Turn(
            *(self._userid, conversation.id, self._turn_id, onward.answer["id"] if onward else self._message_id),
            # Not `_at`: midnight may have passed while another answer was waited for.
            *(now_ms(), self._framing, at.base_length, self._following(conversation, at)),
            opening=dump(onward.events) if onward else b"",
            turns=0 if onward and not onward.is_again else 1,
        )

    def _following(self, conversation: Conversation, at: Place) -> list[Message]:
        """Which messages follow those that stay: what is written again, and those of the request."""
        rewritten: list[Message] = [{**message, "turn": self._turn_id} for message in at.rewritten]
        if self.request.goes_on:
            if at.continuation is None:
                raise unusable(NOTHING_OPEN)
            return rewritten
        # A list sent with a new conversation becomes its history.
        is_new = conversation.message_count == 0
        new = list(self.messages) if is_new else [self._message(len(self.request.messages) - 1)]
        if at.replaced is not None and self.request.messages[-1].id is None:
            new[-1] = {**new[-1], "id": at.replaced}
        if at.base_length + len(rewritten) + len(new) > self._max_messages:
            raise unusable(
                f"This conversation has reached its limit of {self._max_messages} messages "
                "(MAX_CONVERSATION_MESSAGES). Please start a new one."
            )
        return [*rewritten, *new]

    def _message(self, index: int) -> Message:
        """A message of the request, made only when needed: a client may send thousands, and only the last is new."""
        if index not in self._made:
            sent, parts = self.request.messages[index], self._attached[index]
            words: list[Part] = [{"type": "text", "text": sent.text}] if sent.text else []
            message: Message = {
                "id": sent.id or drawn.uuid().hex,
                "role": sent.role,
                "turn": self._turn_id,
                "at": self._at,
                "parts": words + parts if sent.role == "user" else [{"type": "step"}, *words],
            }
            if sent.documents:
                message["documents"] = list(sent.documents)
            self._made[index] = message
        return self._made[index]
