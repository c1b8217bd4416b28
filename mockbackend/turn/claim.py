"""How a turn begins: find or make its conversation, compute its place in the history, claim its row.

A refused request leaves nothing stored.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, nullcontext, suppress
from contextvars import copy_context
from dataclasses import replace
from functools import cache
from itertools import islice

from ..concurrency import Places, in_thread
from ..errors import ServiceError, not_found, unusable
from ..events import dump
from ..messages import MANY_MESSAGES, Message, Part, now_ms, title_of
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
from .going_on import NOTHING_OPEN
from .new_messages import estimate, made_message, made_messages
from .placement import Outline, Place, needs_history, placed, placed_by_ids
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
        with ExitStack() as claiming:
            yield await self._claimed(userid, request, framing, window, claiming)

    async def _claimed(
        self, userid: str, request: ChatRequest, framing: str, window: Window | None, claiming: ExitStack
    ) -> Claim:
        conversation_id = request.conversation_id or str(drawn.uuid())
        images: list[str] = []
        try:
            messages = await self._new_messages(userid, conversation_id, request)
            attached = await self._attachments.store(userid, conversation_id, messages, images)
            return await self._claim(userid, conversation_id, request, framing, attached, window, claiming)
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

    async def _claim(
        self,
        userid: str,
        conversation_id: str,
        request: ChatRequest,
        framing: str,
        attached: list[list[Part]],
        window: Window | None,
        claiming: ExitStack,
    ) -> Claim:
        turn_id, message_id, at = drawn.uuid().hex, f"msg-{drawn.uuid().hex}", now_ms()
        claiming.enter_context(self._registry.claiming(turn_id))
        # The store's thread has another context, from which other ids would come.
        here = copy_context()
        began, pause, has_waited = time.monotonic(), POLL_SECONDS, False

        # Each message once: its id must be the same in every attempt.
        @cache
        def new(index: int) -> Message:
            # Made only when needed: a client may send thousands with each turn, and only the last is new.
            return made_message(request.messages[index], turn_id, at, attached[index])

        users = (index for index, message in enumerate(request.messages) if message.role == "user")
        title = title_of([new(index) for index in islice(users, 1)])
        limits = replace(self._limits, estimate=estimate(request))
        whole = await self._whole_list(userid, conversation_id, request, new)
        made = cache(lambda: whole or made_messages(request, new))

        def turn(conversation: Conversation, at: Place) -> Turn:
            new_messages = self._placed(request, conversation, at, turn_id, new, made)
            onward = at.continuation
            return Turn(
                *(userid, conversation.id, turn_id, onward.answer["id"] if onward else message_id),
                # Not `at`: midnight may have passed while another answer was waited for.
                *(now_ms(), framing, at.base_length, new_messages),
                opening=dump(onward.events) if onward else b"",
                turns=0 if onward and not onward.is_again else 1,
            )

        def is_placed_in_history(conversation: Conversation) -> bool:
            return conversation.message_count > 0 and (needs_history(request) or conversation.is_waiting)

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
            async with self._long_work.one(userid) if whole else nullcontext():
                conversation, claim = await self._storage.turns.begin(
                    userid,
                    conversation_id,
                    title,
                    lambda row: None if is_placed_in_history(row) else here.run(turn, row, Place(row.message_count)),
                    limits=limits,
                    with_base=request.mode == "chat",
                    window=window,
                )
            if conversation is None:
                raise not_found()
            if claim is None and is_placed_in_history(conversation):
                try:
                    placed, was_titled = await self._read_and_place(userid, request, conversation, turn)
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

    async def _whole_list(
        self, userid: str, conversation_id: str, request: ChatRequest, new: Callable[[int], Message]
    ) -> list[Message] | None:
        """All messages of the request, made before the claim if they are many and begin a conversation."""
        if len(request.messages) <= MANY_MESSAGES:
            return None
        conversation = await self._storage.conversations.get(userid, conversation_id)
        if conversation is not None and conversation.message_count > 0:
            return None
        async with self._long_work.one(userid):
            return await in_thread(lambda: made_messages(request, new), "placing")

    async def _read_and_place(
        self, userid: str, request: ChatRequest, conversation: Conversation, turn: Callable[[Conversation, Place], Turn]
    ) -> tuple[Turn, str | None]:
        """The turn that has its place in a conversation, and the title that the first message gives, where it was read.

        The messages are read a piece at a time, and none is kept: there may be gigabytes.
        """
        by_ids = request.mode == "chat" and not request.goes_on and not conversation.is_waiting
        outline = await self._storage.turns.outline(conversation.id) if by_ids else None
        if outline is not None and (found := placed_by_ids(request, outline, conversation.message_count)):
            return turn(conversation, found), None
        async with self._reading.one(userid):
            while True:
                history = Outline.of(request)
                with suppress(HistoryChanged):
                    async for messages in self._storage.history.pieces(conversation.id):
                        history.add(messages)
                    return turn(conversation, placed(request, history)), history.title

    def _is_stopping(self, running: RunningTurn) -> bool:
        run = self._registry.find(running.turn.turn_id)
        return running.stop_requested or (run is not None and run.answer.stop.reason is not None)

    def _placed(
        self,
        request: ChatRequest,
        conversation: Conversation,
        at: Place,
        turn_id: str,
        new: Callable[[int], Message],
        made: Callable[[], list[Message]],
    ) -> list[Message]:
        """Which messages follow those that stay: what is written again, and those of the request."""
        rewritten: list[Message] = [{**message, "turn": turn_id} for message in at.rewritten]
        if request.goes_on:
            if at.continuation is None:
                raise unusable(NOTHING_OPEN)
            return rewritten
        base_length = at.base_length + len(rewritten)
        # A list sent with a new conversation becomes its history.
        everything = conversation.message_count == 0
        new_messages = list(made()) if everything else [new(-1)]
        if at.replaced is not None and request.messages[-1].id is None:
            new_messages[-1] = {**new_messages[-1], "id": at.replaced}
        if base_length + len(new_messages) > self._max_messages:
            raise unusable(
                f"This conversation has reached its limit of {self._max_messages} messages "
                "(MAX_CONVERSATION_MESSAGES). Please start a new one."
            )
        return [*rewritten, *new_messages]


def _conflict() -> ServiceError:
    words = "An answer is already running in this conversation. Wait for its end, or stop it."
    return ServiceError(409, "conflict", words, {"retry-after": "1"})
