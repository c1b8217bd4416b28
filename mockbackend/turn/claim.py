"""How a turn begins: find or make its conversation, compute its place in the history, claim its row.

A refused request leaves nothing stored.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress
from contextvars import copy_context
from dataclasses import replace

from ..concurrency import Places, in_thread
from ..errors import ServiceError, not_found
from ..messages import MANY_MESSAGES, title_of
from ..mock import drawn
from ..settings import Settings
from ..storage import (
    Claim,
    ClaimLimits,
    Conversation,
    DayLimitReached,
    DayLimits,
    HistoryChanged,
    RunningTurn,
    Storage,
    StorageError,
    TooManyConversations,
    TooManyTurns,
    Turn,
    Window,
)
from ..storage.day_limits import day_limits
from .admission import PER_USER, day_is_over, too_many_conversations, too_many_turns
from .attachments import Attachments
from .draft import TurnDraft
from .placement import Outline, Place, placed, placed_by_ids
from .recovery import Recovery
from .registry import RunRegistry
from .request import ChatRequest, SentMessage

# A client's abort and its next POST may overtake each other.
WAIT_SECONDS = 1.0
STOPPING_SECONDS = 10.0
# Between two looks at the turn that is waited for: at first, and at most.
POLL_SECONDS, LONGEST_POLL_SECONDS = 0.02, 0.16


class TurnClaimer:
    """The claimer of turns for this process."""

    def __init__(
        self,
        settings: Settings,
        storage: Storage,
        attachments: Attachments,
        registry: RunRegistry,
        recovery: Recovery,
        long_work: Places,
        reading: Places,
    ) -> None:
        self._max_messages = settings.max_conversation_messages
        self._limits = ClaimLimits(
            settings.max_running_turns_per_user, settings.max_conversations_per_user, day_limits(settings)
        )
        self._storage = storage
        self._attachments = attachments
        self._registry = registry
        self._recovery = recovery
        self._long_work = long_work
        self._reading = reading

    @property
    def day_limits(self) -> DayLimits:
        """What one user may spend in a day."""
        return self._limits.day

    @asynccontextmanager
    async def claim(
        self, userid: str, request: ChatRequest, framing: str, window: Window | None
    ) -> AsyncIterator[Claim]:
        """Write the turn's row; `window` is what a chat has room for of the history. In the context it gets its run.

        Whoever looks may find the row before that, and would settle a turn of this process that does not run. Raises
        ServiceError: 404, 409, 422, 429.
        """
        turn_id = drawn.uuid().hex
        with self._registry.claiming(turn_id):
            yield await self._claimed(turn_id, userid, request, framing, window)

    async def _claimed(
        self, turn_id: str, userid: str, request: ChatRequest, framing: str, window: Window | None
    ) -> Claim:
        conversation_id = request.conversation_id or str(drawn.uuid())
        images: list[str] = []
        try:
            messages = await self._new_messages(userid, conversation_id, request)
            attached = await self._attachments.store(userid, conversation_id, messages, images)
            draft = TurnDraft(turn_id, userid, request, framing, attached, self._max_messages)
            return await self._claim(draft, userid, conversation_id, window)
        except BaseException as error:
            if images:
                # What cannot be removed now goes later; the reason of the refusal matters more.
                with suppress(StorageError):
                    await self._storage.images.discard(images)
            match error:
                case TooManyTurns():
                    raise too_many_turns(self._limits.running, PER_USER) from None
                case TooManyConversations():
                    raise too_many_conversations(self._limits.conversations) from None
                case DayLimitReached(setting=setting):
                    raise day_is_over(setting) from None
            raise

    async def _new_messages(self, userid: str, conversation_id: str, request: ChatRequest) -> tuple[SentMessage, ...]:
        """The messages, without the attachments of stored ones: a client sends its whole list each time."""
        if request.goes_on:
            return request.messages
        *earlier, last = request.messages
        if any(message.attachments for message in earlier):
            conversation = await self._storage.conversations.get(userid, conversation_id)
            if conversation is not None and conversation.message_count > 0:
                earlier = [replace(message, attachments=()) for message in earlier]
        return (*earlier, last)

    async def _claim(self, draft: TurnDraft, userid: str, conversation_id: str, window: Window | None) -> Claim:
        request, title = draft.request, draft.title
        # The store's thread has another context, from which other ids would come.
        here = copy_context()
        began, pause, has_waited = time.monotonic(), POLL_SECONDS, False
        limits = replace(self._limits, estimate=draft.estimate)
        is_whole = await self._make_whole(draft, userid, conversation_id)

        def place_at_end(row: Conversation) -> Turn | None:
            at_end = Place(row.message_count)
            return None if draft.is_placed_in_history(row) else here.run(draft.placed, row, at_end)

        # Each round makes one attempt at the claim, and ends in a claim, an error, or a short wait. Why it ends:
        #
        # - `begin` writes conversation and claim in one transaction. It gives no claim in two cases: `place` made no
        #   turn, because the turn's place depends on messages that must be read first; or another turn has the row.
        # - In the first case the history is read outside any transaction (it may be long), and `claim` then writes the
        #   row only if the conversation still has the version that was seen before the read. If another turn began
        #   or ended in between, there is no claim, and the next round starts from the new state: the place is never
        #   computed from a history that the end would not meet.
        # - If another turn has the row, either it runs (in some process), or its process is dead; `running` settles
        #   the latter, and the next round gets the row. A turn that runs is waited for: a client's abort and its next
        #   POST may cross, so one that is stopping gets longer than one that is not. Past that it is a 409.
        # - Two requests that race for a row that has just become free: the store gives it to one of them, and the other
        #   sees a running turn. Neither can starve the other for longer than the limit, which is never extended.
        # - A refusal that `place` or the store raises (a full conversation, too many running answers) has undone the
        #   transaction; images that were stored for this request are discarded by our caller.
        while True:
            # Thousands of messages take a while to write.
            async with self._long_work.one(userid) if is_whole else nullcontext():
                conversation, claim = await self._storage.turns.begin(
                    userid,
                    conversation_id,
                    title,
                    place_at_end,
                    limits=limits,
                    with_base=request.mode == "chat",
                    window=window,
                )
            if conversation is None:
                raise not_found()
            if claim is None and draft.is_placed_in_history(conversation):
                try:
                    placed, was_titled = await self._read_and_place(draft, userid, conversation)
                except ServiceError:
                    if request.goes_on and has_waited:
                        # The same was sent twice, and the other has just gone on with it.
                        raise _conflict() from None
                    raise
                # An edited first message gives the title, unless that was renamed.
                retitled = placed.base_length == 0 and conversation.title == was_titled
                new_title = title_of(placed.new_messages) if retitled else conversation.title
                claim = await self._storage.turns.claim(
                    *(placed, conversation, new_title),
                    limits=replace(limits, estimate=replace(limits.estimate, turns=placed.turns)),
                    with_base=request.mode == "chat",
                    window=window,
                )
            if claim is not None:
                return claim
            running = await self._recovery.running(conversation_id)
            # None runs if a turn began and ended while the history was being read: that deserves another attempt.
            limit = STOPPING_SECONDS if running is None or self._is_stopping(running) else WAIT_SECONDS
            if time.monotonic() - began > limit:
                raise _conflict()
            has_waited = True
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_POLL_SECONDS)

    async def _make_whole(self, draft: TurnDraft, userid: str, conversation_id: str) -> bool:
        """Make all messages before the claim, if they are many and begin a conversation."""
        if len(draft.request.messages) <= MANY_MESSAGES:
            return False
        conversation = await self._storage.conversations.get(userid, conversation_id)
        if conversation is not None and conversation.message_count > 0:
            return False
        async with self._long_work.one(userid):
            await in_thread(lambda: draft.messages, "placing")
        return True

    async def _read_and_place(
        self, draft: TurnDraft, userid: str, conversation: Conversation
    ) -> tuple[Turn, str | None]:
        """The turn that has its place in a conversation, and the title that the first message gives, where it was read.

        The messages are read a piece at a time, and none is kept: there may be gigabytes.
        """
        request = draft.request
        by_ids = request.mode == "chat" and not request.goes_on and not conversation.is_waiting
        outline = await self._storage.turns.outline(conversation.id) if by_ids else None
        if outline is not None and (found := placed_by_ids(request, outline, conversation.message_count)):
            return draft.placed(conversation, found), None
        async with self._reading.one(userid):
            while True:
                history = Outline.of(request)
                with suppress(HistoryChanged):
                    async for messages in self._storage.history.pieces(conversation.id):
                        history.add(messages)
                    return draft.placed(conversation, placed(request, history)), history.title

    def _is_stopping(self, running: RunningTurn) -> bool:
        run = self._registry.find(running.turn.turn_id)
        return running.stop_requested or (run is not None and run.answer.stop.reason is not None)


def _conflict() -> ServiceError:
    words = "An answer is already running in this conversation. Wait for its end, or stop it."
    return ServiceError(409, "conflict", words, {"retry-after": "1"})
