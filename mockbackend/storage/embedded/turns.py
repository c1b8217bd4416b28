"""The table `turns`: who runs each turn, what the user said, what has been said so far, and a wish to stop.

A row is the write-ahead log of the history. It is claimed before the answer starts, and over once the answer is in the
saver; it stays for a moment then, for those who follow it from another process. A row whose owner has died is taken
over and recovered by whichever process comes next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ...concurrency.liveness import Liveness
from ...messages import Message, now_ms
from ..bounds import bounded
from ..casefold import casefold
from ..exchanges import Exchange, Window
from ..spending import ClaimLimits, Spent
from ..values import NOBODY, Beat, Claim, Claimed, Conversation, RunningTurn, Turn
from .checkpoints import Checkpoints
from .claiming import RETITLE, Claiming
from .claims import claim_turn
from .conversation_counts import ConversationCounts
from .conversations import upsert_conversation
from .database import Database, Session
from .ending import TurnEnd, TurnEnder
from .exchanges import read_outline, read_window
from .following import TurnFollower
from .images import Images
from .numbers import first_key
from .recent import Recent
from .spending import spent_on, stored_spent
from .sqlite import Execute, storage_errors
from .stored_turns import close_damaged, decode_turn
from .tidying import Tidying
from .turn_files import IN_FILE, TurnFiles

OVER_MS = 2_000
_COLUMNS = (
    "owner, log, stop_requested, turns, input_tokens, output_tokens, images, "
    "userid, conversation_id, turn_id, message_id, started_at, framing, base_length, new_messages"
)
_SPENT = "input_tokens = ?, output_tokens = ?, images = ?"
_OURS = "conversation_id = ? AND turn_id = ? AND owner = ? AND over_at IS NULL"


class Turns:
    """The contract's Turns. `checkpoints` is used on the database's thread alone: claim and end are one hop each."""

    def __init__(
        self, database: Database, checkpoints: Checkpoints, images: Images, liveness: Liveness, files: TurnFiles
    ) -> None:
        self._database = database
        self._files = files
        self._checkpoints = checkpoints
        self._liveness = liveness
        self._owner = liveness.id
        self._claiming = Claiming(database, files)
        self._tidying = Tidying(database, checkpoints.conn, self._claiming)
        # Used on the database's thread alone.
        self._recent = Recent()
        self._counts = ConversationCounts()
        self._ender = TurnEnder(database, checkpoints, self._recent, images, liveness.id)

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
        now, claimed = now_ms(), list[Claimed]()

        def work(session: Session) -> tuple[Conversation | None, Claim | None]:
            has_documents = None
            with session.transaction() as execute:
                conversation = upsert_conversation(execute, userid, conversation_id, title, now)
                is_new = conversation is not None and (conversation.version, conversation.created_at) == (0, now)
                if is_new:
                    self._counts.add(execute, userid, limits.conversations)
                turn = place(conversation) if conversation else None
                if turn and conversation:
                    has_documents = self._claim(execute, turn, conversation, limits)
            if turn is None or conversation is None or has_documents is None:
                return conversation, None
            claimed.append(Claimed(turn, is_new))
            self._claiming.turn_ids.add(turn.turn_id)
            if not with_base:
                return conversation, Claim(turn, [], has_documents)
            return conversation, self._with_base(session, Claim(turn, [], has_documents), conversation, window)

        return await self._claiming.run(work, claimed)

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

        def work(session: Session) -> Claim | None:
            with session.transaction() as execute:
                has_documents = self._claim(execute, turn, conversation, limits)
                if has_documents is None:
                    return None
                if title != conversation.title:
                    execute(RETITLE, title, casefold(title), conversation.id)
            claimed.append(Claimed(turn, title=conversation.title))
            self._claiming.turn_ids.add(turn.turn_id)
            claim = Claim(turn, [], has_documents)
            return self._with_base(session, claim, conversation, window) if with_base else claim

        return await self._claiming.run(work, claimed)

    def _with_base(self, session: Session, claim: Claim, conversation: Conversation, window: Window | None) -> Claim:
        # Outside the transaction: other writers need not wait while a long history is decoded.
        base_length = bounded(claim.turn.base_length)

        def read(start: int = 0) -> list[Message]:
            return self._checkpoints.read(conversation.id, start, base_length)

        if not base_length:
            return claim
        found = read_window(session, self._recent, conversation, base_length, window, read) if window else None
        return replace(claim, base=read()) if found is None else replace(claim, exchanges=found)

    async def outline(self, conversation_id: str) -> list[list[str]] | None:
        return await read_outline(self._database, conversation_id)

    def _claim(self, execute: Execute, turn: Turn, conversation: Conversation, limits: ClaimLimits) -> bool | None:
        return claim_turn(execute, turn, self._files, conversation, limits, self._liveness)

    async def running(self, conversation_id: str) -> RunningTurn | None:
        rows = await self._database.execute(
            f"SELECT {_COLUMNS} FROM turns WHERE conversation_id = ? AND over_at IS NULL", conversation_id
        )
        return await self._decoded(rows[0]) if rows else None

    async def unfinished(self) -> list[RunningTurn]:
        rows = await self._database.execute(f"SELECT {_COLUMNS} FROM turns WHERE over_at IS NULL")
        return [turn for row in rows if (turn := await self._decoded(row)) is not None]

    async def recoverable(self) -> list[str]:
        statement = "SELECT conversation_id, owner FROM turns WHERE over_at IS NULL ORDER BY started_at, turn_id"
        rows = await self._database.execute(statement)
        with storage_errors():
            living = {owner for owner in {owner for _, owner in rows} if self._liveness.is_alive(owner)} - {self._owner}
        return [conversation_id for conversation_id, owner in rows if owner not in living]

    async def _decoded(self, row: tuple[Any, ...]) -> RunningTurn | None:
        owner, said, stop_requested, turns, input_tokens, output_tokens, images, *values = row
        with storage_errors():
            turn = await self._decode(values)
            is_alive = self._liveness.is_alive(owner)
        if values[-1] == IN_FILE and not turn.new_messages and not await self._is_open(turn):
            # It has ended meanwhile, and its file is gone.
            return None
        if not turn.new_messages and not is_alive:
            await self._database.transact(lambda execute: close_damaged(execute, turn, owner))
            return None
        spent = stored_spent(turns, input_tokens, output_tokens, images)
        return RunningTurn(turn, said, spent, bool(stop_requested), owner == self._owner, is_alive)

    def follow(self, turn: Turn) -> TurnFollower:
        return TurnFollower(turn, self._database, self._liveness)

    async def _decode(self, values: list[Any]) -> Turn:
        if values[-1] != IN_FILE:
            return decode_turn(*values)
        _, _, turn_id, *_ = values
        return await asyncio.to_thread(lambda: decode_turn(*[*values[:-1], self._files.read(turn_id)]))

    async def _is_open(self, turn: Turn) -> bool:
        statement = "SELECT 1 FROM turns WHERE conversation_id = ? AND turn_id = ? AND over_at IS NULL"
        return bool(await self._database.execute(statement, turn.conversation_id, turn.turn_id))

    async def take_over(self, running: RunningTurn) -> bool:
        turn = running.turn

        def work(execute: Execute) -> bool:
            found = execute(
                "SELECT owner FROM turns WHERE conversation_id = ? AND turn_id = ? AND over_at IS NULL",
                *(turn.conversation_id, turn.turn_id),
            )
            if not turn.new_messages and running.is_ours:
                # Our own, and its run is gone: its answer would have no question.
                close_damaged(execute, turn, self._owner)
                return False
            if not found or (found[0][0] != self._owner and self._liveness.is_alive(found[0][0])):
                return False
            execute("UPDATE turns SET owner = ? WHERE conversation_id = ?", self._owner, turn.conversation_id)
            return True

        return await self._database.transact(work)

    async def request_stop(self, turn: Turn) -> None:
        await self._database.execute(
            "UPDATE turns SET stop_requested = TRUE WHERE conversation_id = ? AND turn_id = ?",
            *(turn.conversation_id, turn.turn_id),
        )

    async def beat(self) -> Beat:
        def work(execute: Execute) -> Beat:
            now = now_ms()
            execute("DELETE FROM turns WHERE over_at < ?", now - OVER_MS)
            rows = execute(
                """SELECT turn_id, stop_requested, followed_until > ? FROM turns
                WHERE owner = ? AND over_at IS NULL AND (stop_requested OR followed_until IS NOT NULL)""",
                *(now, self._owner),
            )
            return Beat([row[0] for row in rows if row[1]], [row[0] for row in rows if row[2]])

        return await self._database.transact(work)

    async def write_logs(self, logs: list[tuple[Turn, bytes, Spent]]) -> None:
        def work(execute: Execute) -> None:
            for turn, said, spent in logs:
                execute(
                    f"UPDATE turns SET log = ?, {_SPENT} WHERE {_OURS}",
                    *(said, spent.input_tokens, spent.output_tokens, spent.images),
                    *(turn.conversation_id, turn.turn_id, self._owner),
                )

        await self._database.transact(work)

    async def spend(self, turn: Turn, spent: Spent) -> Spent:
        def work(execute: Execute) -> Spent:
            execute(
                f"UPDATE turns SET {_SPENT} WHERE {_OURS}",
                *(spent.input_tokens, spent.output_tokens, spent.images),
                *(turn.conversation_id, turn.turn_id, self._owner),
            )
            return spent_on(execute, turn)

        return await self._database.transact(work)

    async def end(
        self, turn: Turn, answers: list[Message], log: bytes, spent: Spent, exchanges: Sequence[Exchange] = ()
    ) -> None:
        is_taken_over = turn.turn_id not in self._claiming.turn_ids
        self._claiming.turn_ids.discard(turn.turn_id)
        messages = [*turn.new_messages, *answers]
        with self._tidying.ending():
            await self._ender.settle(TurnEnd(turn, messages, log, spent, exchanges, is_taken_over))
        # A process that has taken a turn over does not know whether it has a file.
        if is_taken_over or self._files.wrote(turn.turn_id):
            # The turn is stored; what cannot be removed goes at the next start.
            with suppress(OSError):
                await asyncio.to_thread(self._files.remove, turn.turn_id)

    async def give_up(self, turn: Turn, log: bytes, spent: Spent) -> None:
        self._claiming.turn_ids.discard(turn.turn_id)
        await self._database.execute(
            f"""UPDATE turns SET log = ?, owner = ?, {_SPENT}
            WHERE {_OURS}""",
            *(log, NOBODY, spent.input_tokens, spent.output_tokens, spent.images),
            *(turn.conversation_id, turn.turn_id, self._owner),
        )

    def shorten_history(self, conversation_id: str, until: float) -> bool:
        """Remove the last settled turns until that moment, on the database's thread; whether there are more."""
        return self._checkpoints.shorten(conversation_id, until)

    def erase_history(self, execute: Execute, conversation_id: str) -> None:
        """Forget the settled messages of a conversation, on the database's thread."""
        self._checkpoints.delete_thread(conversation_id)
        if (first := first_key(execute, conversation_id)) is not None:
            self._recent.forget(first)

    def close(self) -> None:
        """Close the saver's connection, once no turn runs."""
        self._checkpoints.conn.close()
