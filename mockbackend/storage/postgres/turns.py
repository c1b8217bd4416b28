"""The table `turns`: the turns that run, of all processes.

A row is the write-ahead log of the history. It is claimed before the answer starts, and over in the statement that
writes the answer's messages; it stays for a moment then, for those who follow it from another process. Every write of
a turn names its owner, so a process that has lost one changes nothing any more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from ...messages import Message, now_ms
from ..exchanges import Exchange, Window, listed
from ..spending import ClaimLimits, Spent
from ..stored_messages import LARGE_BYTES, decode_messages
from ..values import (
    Beat,
    Claim,
    Claimed,
    Conversation,
    RunningTurn,
    TakenOver,
    TooManyConversations,
    TooManyTurns,
    Turn,
)
from . import claims
from .adapters import storable
from .database import Database
from .ending import IS_OPEN, IS_STORED, end_statement, give_up_statement
from .exchanges import OUTLINE, base_statement, with_base_of
from .following import TurnFollower
from .processes import Processes, alive
from .running import BEAT, RUNNING, TAKE_OVER
from .spending import CLOSE, spend_statement
from .turn_logs import WRITE_LOGS, WrittenLog, assembled

T = TypeVar("T")
log = logging.getLogger("mockbackend.storage")


class Turns:
    """The contract's Turns."""

    def __init__(self, database: Database, processes: Processes) -> None:
        self._database = database
        self._processes = processes
        self._me = processes.id
        # Of the turns that this process runs.
        self._logs: dict[str, WrittenLog] = {}

    async def begin(
        self,
        userid: str,
        conversation_id: str,
        title: str,
        place: Callable[[Conversation], Turn | None],
        *,
        limits: ClaimLimits,
        with_base: bool,
        window: Window | None = None,
    ) -> tuple[Conversation | None, Claim | None]:
        claimed: list[Claimed] = []

        async def work() -> tuple[Conversation | None, Claim | None]:
            now, turn = now_ms(), None
            new = seen = Conversation(conversation_id, storable(title), False, now, now, 0, 0)
            is_refused = False
            while True:
                rows = await self._database.execute(claims.SETTLED, conversation_id)
                if rows and rows[0][:2] != (userid, True):
                    return None, None
                conversation = Conversation(*rows[0][2:]) if rows else new
                if is_refused and conversation.version == seen.version:
                    return conversation, None
                # Where our own claim has made the row and its answer was lost, it must be the same turn.
                if turn is None or conversation.version != seen.version:
                    seen, turn = conversation, place(conversation)
                # The claim's statement takes a turn that is ours for its own, which was sent again.
                if turn is None or turn.turn_id in self._logs:
                    if rows:
                        return conversation, None
                    statements = claims.make_statements(userid, conversation, limits.conversations)
                    _, made, [(count,)] = await self._database.batch(*statements)
                    if made:
                        return conversation, None
                    if count >= limits.conversations:
                        raise TooManyConversations
                    continue
                claim = await self._claim(
                    turn, conversation, conversation.title, limits, window, is_new=not rows, with_base=with_base
                )
                if claim is not None:
                    claimed.append(Claimed(turn, is_new=not rows))
                    return conversation, claim
                # Another made the conversation in the meantime, or has changed it, or its turn runs.
                is_refused = bool(rows)

        return await self._unless_cancelled(work(), claimed)

    async def claim(
        self,
        turn: Turn,
        conversation: Conversation,
        title: str,
        *,
        limits: ClaimLimits,
        with_base: bool,
        window: Window | None = None,
    ) -> Claim | None:
        claimed: list[Claimed] = []

        async def work() -> Claim | None:
            if turn.turn_id in self._logs:
                return None
            claim = await self._claim(turn, conversation, title, limits, window, is_new=False, with_base=with_base)
            if claim is not None:
                claimed.append(Claimed(turn, title=None if title == conversation.title else conversation.title))
            return claim

        return await self._unless_cancelled(work(), claimed)

    async def _claim(
        self,
        turn: Turn,
        conversation: Conversation,
        title: str,
        limits: ClaimLimits,
        window: Window | None,
        *,
        is_new: bool,
        with_base: bool,
    ) -> Claim | None:
        statements = [
            claims.user_lock(claims.CLAIMING, turn.userid),
            (claims.HOME_LOCK, turn.conversation_id),
            claims.claim_statement(turn, conversation, title, self._me, limits, is_new=is_new),
        ]
        # Others need not wait while a long history is sent.
        then = base_statement(turn, window) if with_base and claims.base_length(turn) else None
        if limits.day:
            results = await claims.run_within_day(self._database, turn, statements, limits)
            if then:
                results.append(await self._database.execute(*then))
        else:
            results = await self._database.batch(*statements, then=then)
        [(running, conversations, is_claimed, has_documents)] = results[2]
        if is_claimed:
            replaces, claim = turn.base_length < conversation.message_count, Claim(turn, [], has_documents)
            self._logs[turn.turn_id] = WrittenLog(replaces=replaces, lapses=self._processes.lapses)
            return claim if then is None else await with_base_of(self._database, claim, window, results[3])
        if running >= limits.running:
            raise TooManyTurns
        if is_new and conversations >= limits.conversations:
            raise TooManyConversations
        return None

    async def outline(self, conversation_id: str) -> list[list[str]] | None:
        return listed(await self._database.execute(OUTLINE, conversation_id))

    async def _unless_cancelled(self, work: Coroutine[Any, Any, T], claimed: list[Claimed]) -> T:
        """Do `work` to its end. If the caller is cancelled, withdraw what it put into `claimed`."""
        task = self._database.start(work)

        async def withdraw() -> None:
            await asyncio.wait([task])
            if not task.cancelled():
                # Nobody waits for what it raises any more.
                task.exception()
            for turn, is_new, title in claimed:
                self._logs.pop(turn.turn_id, None)
                await self._database.batch(*claims.withdrawal(turn, is_new=is_new, title=title))

        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await self._database.whole(withdraw())
            raise

    async def running(self, conversation_id: str) -> RunningTurn | None:
        rows = await self._database.execute(f"{RUNNING} AND conversation_id = %s", conversation_id)
        return await self._decoded(rows[0]) if rows else None

    async def unfinished(self) -> list[RunningTurn]:
        rows = await self._database.execute(RUNNING)
        return [turn for row in rows if (turn := await self._decoded(row)) is not None]

    async def recoverable(self) -> list[str]:
        rows = await self._database.execute(
            f"""SELECT conversation_id FROM turns WHERE over_at IS NULL AND (owner = %s OR NOT {alive("owner")})
            ORDER BY started_at, turn_id""",
            self._me,
        )
        return [conversation_id for (conversation_id,) in rows]

    async def _decoded(self, row: tuple[Any, ...]) -> RunningTurn | None:
        *values, new_messages, kept, data = row[:10]
        *numbers, stop_requested, owner, is_alive, host, pid, started = row[10:]
        is_large = len(new_messages) > LARGE_BYTES
        messages = await asyncio.to_thread(decode_messages, new_messages) if is_large else decode_messages(new_messages)
        turn = Turn(*[*values, messages])
        is_ours = owner == self._me
        if is_alive and await self._processes.bury_if_gone(owner, host, pid, started):
            is_alive = False
        if not turn.new_messages and not is_alive:
            await self._close_damaged(turn)
            return None
        return RunningTurn(turn, assembled(kept, data), Spent(*numbers), stop_requested, is_ours, is_ours or is_alive)

    async def _close_damaged(self, turn: Turn) -> None:
        """End a turn of which nothing can be made: one row must not close a conversation for ever."""
        log.error(
            "the row of turn %s is damaged: what was said in it is lost; conversation %s is as it was before",
            *(turn.turn_id, turn.conversation_id),
        )
        await self._database.execute(CLOSE, turn.turn_id)

    def follow(self, turn: Turn) -> TurnFollower:
        return TurnFollower(turn, self._database, self._processes)

    async def take_over(self, running: RunningTurn) -> bool:
        turn_id = running.turn.turn_id
        if not running.turn.new_messages:
            # Our own, and its run is gone: its answer would have no question.
            await self._close_damaged(running.turn)
            return False
        rows = await self._database.execute(TAKE_OVER, {"me": self._me, "turn_id": turn_id})
        for (generation,) in rows:
            self._logs[turn_id] = WrittenLog.of_generation(generation, self._processes.lapses)
        return bool(rows)

    async def request_stop(self, turn: Turn) -> None:
        await self._database.execute("UPDATE turns SET stop_requested = TRUE WHERE turn_id = %s", turn.turn_id)

    async def beat(self) -> Beat:
        if self._processes.has_lapsed:
            # Others may have taken them over by now, and the database may be out of reach.
            return Beat([], [], tuple(self._logs))
        lapsed = tuple(turn_id for turn_id, written in self._logs.items() if written.lapses < self._processes.lapses)
        rows = await self._database.execute(BEAT, self._me)
        return Beat([row[0] for row in rows if row[1]], [row[0] for row in rows if row[2]], lapsed)

    async def write_logs(self, logs: list[tuple[Turn, bytes, Spent]]) -> None:
        ours = [(self._logs[turn.turn_id], *one) for one in logs if (turn := one[0]).turn_id in self._logs]
        pieces = [written.piece(said) for written, _, said, _ in ours]
        named = {
            "me": self._me,
            "turn_ids": [turn.turn_id for _, turn, _, _ in ours],
            "numbers": [piece.number for piece in pieces],
            "kept": [piece.kept for piece in pieces],
            "data": [piece.data for piece in pieces],
            "input_tokens": [spent.input_tokens for *_, spent in ours],
            "output_tokens": [spent.output_tokens for *_, spent in ours],
            "images": [spent.images for *_, spent in ours],
        }
        for written, *_ in ours:
            written.is_writing = True
        is_written = False
        try:
            # A crash of the database's host may cost the last moment of an answer: nothing that has been settled.
            await self._database.batch(("SET LOCAL synchronous_commit = off",), (WRITE_LOGS, named))
            is_written = True
        finally:
            for written, _, said, _ in ours:
                written.is_writing, written.said = False, said if is_written else b""

    async def spend(self, turn: Turn, spent: Spent) -> Spent:
        rows = await self._database.execute(*spend_statement(turn, spent, self._me))
        return Spent(*rows[0])

    async def end(
        self, turn: Turn, answers: list[Message], log: bytes, spent: Spent, exchanges: Sequence[Exchange] = ()
    ) -> None:
        messages = [*turn.new_messages, *answers]
        written = self._logs.get(turn.turn_id)
        piece, replaces = (written or WrittenLog()).piece(log), written is None or written.replaces
        statement, body = await end_statement(turn, messages, exchanges, self._me, piece, spent, replaces=replaces)
        rows = await self._database.execute(*statement)
        self._logs.pop(turn.turn_id, None)
        if rows:
            return
        [(is_open, is_ours)] = await self._database.execute(IS_OPEN, turn.turn_id, self._me, turn.turn_id)
        if is_open:
            raise TakenOver
        if is_ours or written is None:
            # Its answer may have been lost, and it was sent again.
            return
        # Its row is gone, or was another's at last. Where the answer is ours, the end was stored.
        if not await self._database.execute(IS_STORED, turn.conversation_id, body):
            raise TakenOver

    async def give_up(self, turn: Turn, log: bytes, spent: Spent) -> None:
        written = self._logs.pop(turn.turn_id, None) or WrittenLog()
        await self._database.execute(*give_up_statement(turn, self._me, written.piece(log), spent))
