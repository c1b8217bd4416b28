"""How a turn begins: its conversation is found or made, its place in the history told, its row claimed.

A request that is refused leaves nothing stored.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import replace

from ..errors import ServiceError, not_found, unusable
from ..messages import Message, Part, now_ms, title_of
from ..storage import Storage
from ..storage.embedded.conversations import Conversation
from ..storage.embedded.turns import Claim, Turn
from .attachments import Attachments
from .ending import recover
from .history import History
from .placement import needs_history, place
from .request import ChatRequest, SentMessage
from .run import Run

# A client's abort and its next POST may cross.
WAIT_SECONDS = 1.0
STOPPING_SECONDS = 10.0
POLL_SECONDS = 0.02
log = logging.getLogger("mockbackend.turn")


class TurnClaimer:
    """Claims turns. `find_run` finds this process's run of a turn's id; `watch` has rows that are over forgotten."""

    def __init__(
        self,
        storage: Storage,
        history: History,
        attachments: Attachments,
        find_run: Callable[[str], Run | None],
        watch: Callable[[], None],
        max_messages: int,
    ) -> None:
        self._storage = storage
        self._max_messages = max_messages
        self._history = history
        self._attachments = attachments
        self._find_run = find_run
        self._watch = watch
        self._recovering = asyncio.Lock()

    async def claim(self, userid: str, request: ChatRequest, framing: str) -> Claim:
        """The turn's row, written. Raises ServiceError: 404, 409, 422."""
        conversation_id = request.conversation_id or str(uuid.uuid4())
        images: list[str] = []
        try:
            messages = await self._new_messages(userid, conversation_id, request)
            attached = await self._attachments.store(userid, conversation_id, messages, images)
            return await self._claim(userid, conversation_id, request, framing, attached)
        except BaseException:
            await self._storage.images.discard(images)
            raise

    async def _new_messages(self, userid: str, conversation_id: str, request: ChatRequest) -> tuple[SentMessage, ...]:
        """The messages, the attachments of stored ones left out: a client sends its whole list each time."""
        *earlier, last = request.messages
        if any(message.attachments for message in earlier):
            conversation = await self._storage.conversations.get(userid, conversation_id)
            if conversation is not None and conversation.message_count > 0:
                earlier = [replace(message, attachments=()) for message in earlier]
        return (*earlier, last)

    async def _claim(
        self, userid: str, conversation_id: str, request: ChatRequest, framing: str, attached: list[list[Part]]
    ) -> Claim:
        turn_id, at = uuid.uuid4().hex, now_ms()
        opening = next(index for index, message in enumerate(request.messages) if message.role == "user")
        began = time.monotonic()

        def new(index: int) -> Message:
            # Made where it is needed: a client may send thousands with each turn, of which the last is new.
            return _message(request.messages[index], turn_id, at, attached[index])

        title = title_of([new(opening)])

        def turn(conversation: Conversation, history: list[Message] | None) -> Turn:
            base_length, new_messages = self._placed(request, conversation, history, new)
            owner, message_id = self._storage.turns.owner, f"msg-{uuid.uuid4().hex}"
            return Turn(conversation.id, turn_id, message_id, owner, at, framing, base_length, new_messages)

        def is_placed_in_history(conversation: Conversation) -> bool:
            return conversation.message_count > 0 and needs_history(request)

        while True:
            # Nearly every turn is claimed with its conversation at once.
            conversation, claim = await self._storage.turns.begin(
                userid, conversation_id, title, lambda row: None if is_placed_in_history(row) else turn(row, None)
            )
            if conversation is None:
                raise not_found()
            if claim is None and is_placed_in_history(conversation):
                history = await self._history.read(conversation_id)
                placed = turn(conversation, history)
                # An edited first message gives the title, unless that was renamed.
                retitled = placed.base_length == 0 and conversation.title == title_of(history)
                new_title = title if retitled else conversation.title
                claim = await self._storage.turns.claim(userid, placed, conversation, new_title)
            if claim is not None:
                return claim
            running = await self.release_dead(conversation_id)
            limit = STOPPING_SECONDS if running and self._is_stopping(running) else WAIT_SECONDS
            if time.monotonic() - began > limit:
                raise ServiceError(409, "conflict", "An answer is already running in this conversation.")
            await asyncio.sleep(POLL_SECONDS)

    async def release_dead(self, conversation_id: str) -> Turn | None:
        """The conversation's running turn; one whose process has died is folded into the history first."""
        running = await self._storage.turns.running(conversation_id)
        if running is None or self._is_alive(running):
            return running
        async with self._recovering:
            running = await self._storage.turns.running(conversation_id)
            if running is not None and not self._is_alive(running):
                await recover(self._storage, self._history, running)
                self._watch()
        return None

    async def recover_all(self) -> None:
        """Fold in every turn that a dead process left; one that cannot be folded in leaves the others as they are."""
        for turn in await self._storage.turns.unfinished():
            try:
                await self.release_dead(turn.conversation_id)
            except Exception:
                log.exception("turn %s of a dead process cannot be folded in", turn.turn_id)
        self._watch()

    def _is_alive(self, turn: Turn) -> bool:
        if turn.owner == self._storage.turns.owner:
            return self._find_run(turn.turn_id) is not None
        return self._storage.liveness.is_alive(turn.owner)

    def _is_stopping(self, turn: Turn) -> bool:
        run = self._find_run(turn.turn_id)
        return turn.stop_requested or (run is not None and run.answer.stop.reason is not None)

    def _placed(
        self,
        request: ChatRequest,
        conversation: Conversation,
        history: list[Message] | None,
        new: Callable[[int], Message],
    ) -> tuple[int, list[Message]]:
        """How many of the stored messages stay, and which of the request's follow them."""
        base_length, replaced = conversation.message_count, None
        if history is not None:
            base_length = place(request, history)
            replaced = history[base_length]["id"] if base_length < len(history) else None
        # A list that came with a new conversation is its history.
        everything = conversation.message_count == 0
        new_messages = _distinct([new(index) for index in range(len(request.messages))]) if everything else [new(-1)]
        if replaced is not None and request.messages[-1].id is None:
            new_messages[-1] = {**new_messages[-1], "id": replaced}
        if base_length + len(new_messages) > self._max_messages:
            raise unusable("This conversation is full. Please begin a new one.")
        return base_length, new_messages


def _message(sent: SentMessage, turn_id: str, at: int, parts: list[Part]) -> Message:
    words: list[Part] = [{"type": "text", "text": sent.text}] if sent.text else []
    return {
        "id": sent.id or uuid.uuid4().hex,
        "role": sent.role,
        "turn": turn_id,
        "at": at,
        "parts": words + parts if sent.role == "user" else [{"type": "step"}, *words],
    }


def _distinct(messages: list[Message]) -> list[Message]:
    """The messages, each with an id of its own: it says where the next one stands."""
    by_id: dict[str, Message] = {}
    for message in messages:
        by_id[message["id"] if message["id"] not in by_id else uuid.uuid4().hex] = message
    return [{**message, "id": message_id} for message_id, message in by_id.items()]
