"""The table `turns`: who runs each turn, what the user said, what has been said so far, and a wish to stop.

A row is the write-ahead log of the history. It is claimed before the answer starts, and over once the answer is in the
saver; it stays for a moment then, for those who follow it from another process. A row whose owner has died is taken
over and recovered by whichever process comes next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import orjson

from ...messages import Message, now_ms
from ..casefold import casefold
from ..values import Beat, Claim, Conversation, RunningTurn, TooManyTurns, Turn
from .checkpoints import Checkpoints
from .conversations import record_messages, upsert_conversation
from .database import Database, Execute, Session
from .following import TurnFollower
from .images import mark_images_settled
from .liveness import Liveness
from .sqlite import storage_errors
from .stored_turns import close_damaged, decode_turn

# An owner that is not a process.
NOBODY = "nobody"
OVER_MS = 2_000
_COLUMNS = (
    "owner, log, stop_requested, "
    "userid, conversation_id, turn_id, message_id, started_at, framing, base_length, new_messages"
)
_OVER = "UPDATE turns SET over_at = ? WHERE conversation_id = ? AND turn_id = ? AND over_at IS NULL"
T = TypeVar("T")

_RETITLE = "UPDATE conversations SET title = ?, casefolded_title = ? WHERE id = ?"


class _Claimed(NamedTuple):
    """A claim, and what undoes it: whether its conversation was made for it, or the title that it replaced."""

    turn: Turn
    is_new: bool = False
    title: str | None = None


class Turns:
    """The contract's Turns. `checkpoints` is used on the database's thread alone: claim and end are one hop each."""

    def __init__(self, database: Database, checkpoints: Checkpoints, liveness: Liveness) -> None:
        self._database = database
        self._checkpoints = checkpoints
        self._liveness = liveness
        self._owner = liveness.id
        # What the claims of running turns have read: the end need not decode it again.
        self._bases: dict[str, list[Message]] = {}

    async def begin(
        self,
        userid: str,
        conversation_id: str,
        title: str,
        place: Callable[[Conversation], Turn | None],
        *,
        running_limit: int,
        with_base: bool,
    ) -> tuple[Conversation | None, Claim | None]:
        now, claimed = now_ms(), list[_Claimed]()

        def work(session: Session) -> tuple[Conversation | None, Claim | None]:
            has_documents = None
            with session.transaction() as execute:
                conversation = upsert_conversation(execute, userid, conversation_id, title, now)
                turn = place(conversation) if conversation else None
                if turn and conversation:
                    has_documents = self._claim(execute, turn, conversation, running_limit)
            if turn is None or conversation is None or has_documents is None:
                return conversation, None
            claimed.append(_Claimed(turn, (conversation.version, conversation.created_at) == (0, now)))
            base: list[Message] = []
            # Outside the transaction: other writers need not wait while a long history is decoded.
            if not turn.base_length or with_base:
                base = self._checkpoints.read(conversation_id)[: turn.base_length] if turn.base_length else []
                self._bases[turn.turn_id] = base
            return conversation, Claim(turn, base, has_documents)

        return await self._run_claim(work, claimed)

    async def claim(
        self, turn: Turn, conversation: Conversation, title: str, history: list[Message], *, running_limit: int
    ) -> Claim | None:
        claimed: list[_Claimed] = []

        def work(session: Session) -> Claim | None:
            with session.transaction() as execute:
                has_documents = self._claim(execute, turn, conversation, running_limit)
                if has_documents is None:
                    return None
                if title != conversation.title:
                    execute(_RETITLE, title, casefold(title), conversation.id)
            claimed.append(_Claimed(turn, title=conversation.title))
            base = self._bases[turn.turn_id] = history[: turn.base_length]
            return Claim(turn, base, has_documents)

        return await self._run_claim(work, claimed)

    async def _run_claim(self, work: Callable[[Session], T], claimed: list[_Claimed]) -> T:
        """Run `work` on the database's thread. If the caller is cancelled, withdraw what it put into `claimed`."""

        def withdraw(session: Session) -> None:
            for turn, is_new, title in claimed:
                self._bases.pop(turn.turn_id, None)
                with session.transaction() as execute:
                    execute(_OVER, now_ms(), turn.conversation_id, turn.turn_id)
                    if is_new:
                        execute("DELETE FROM conversations WHERE id = ? AND version = 0", turn.conversation_id)
                    elif title is not None:
                        execute(_RETITLE, title, casefold(title), turn.conversation_id)

        try:
            return await self._database.run(work)
        except BaseException:
            # If the waiter is cancelled, the thread may still be at `work`, or stuck in it; this comes after that.
            self._database.post(withdraw)
            raise

    def _claim(self, execute: Execute, turn: Turn, conversation: Conversation, running_limit: int) -> bool | None:
        """Whether the turn's user has documents; None where another turn runs or the history has changed."""
        running = execute(
            """SELECT owner, count(*)
            FROM turns WHERE userid = ? AND over_at IS NULL AND owner <> ? AND conversation_id <> ? GROUP BY owner""",
            *(turn.userid, NOBODY, turn.conversation_id),
        )
        # Dead owners are looked for only at the limit: each look takes a lock.
        if sum(count for _, count in running) >= running_limit:
            alive = sum(count for owner, count in running if self._liveness.is_alive(owner))
            if alive >= running_limit:
                raise TooManyTurns
        # One statement decides which of several processes gets the conversation. Why it suffices:
        #
        # - A conversation has at most one row here: its id is the key. INSERT therefore meets either no row or the row
        #   of the last turn, and ON CONFLICT takes that one over only if it is over (`over_at` is set). A turn that
        #   runs is never overwritten, in whichever process it runs; RETURNING then gives no row, and the caller waits
        #   or answers 409.
        # - The turn's place (`base_length`) was computed from the conversation's row as the caller saw it. Between
        #   that look and this statement another turn may have begun *and ended*: its row is over, so the key alone
        #   would let us in, and our end would cut its messages off. EXISTS compares the version, which every end counts
        #   up in the transaction in which it sets `over_at`: a history that has changed does not match.
        # - Deleting sets `deleted_at` first, so a claim cannot slip in between that and the end of the deletion.
        # - SQLite has one writer at a time and BEGIN IMMEDIATE takes that place before anything is read, so nothing
        #   that is read here can change before COMMIT. An engine with several writers must lock or compare-and-set.
        # - The last turn's id and log move to `previous_…`: a reader in another process who polls that log may look
        #   for the first time after our claim, and still hears the last turn's end (`TurnFollower`).
        rows = execute(
            """INSERT INTO turns (conversation_id, turn_id, userid, message_id, owner, started_at, framing, base_length,
            new_count, new_messages, log) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, x'5b5d'
            WHERE EXISTS (SELECT 1 FROM conversations WHERE id = ? AND version = ? AND deleted_at IS NULL)
            ON CONFLICT (conversation_id) DO UPDATE SET turn_id = excluded.turn_id, userid = excluded.userid,
            message_id = excluded.message_id, owner = excluded.owner, started_at = excluded.started_at,
            framing = excluded.framing, base_length = excluded.base_length, new_count = excluded.new_count,
            new_messages = excluded.new_messages, log = excluded.log, stop_requested = FALSE,
            followed_until = NULL, over_at = NULL, previous_id = turns.turn_id, previous_log = turns.log
            WHERE over_at IS NOT NULL RETURNING EXISTS (
                SELECT 1 FROM files WHERE userid = ? AND status = 'ready' AND deleted_at IS NULL)""",
            *(turn.conversation_id, turn.turn_id, turn.userid, turn.message_id, self._owner, turn.started_at),
            *(turn.framing, turn.base_length, len(turn.new_messages), orjson.dumps(turn.new_messages)),
            *(turn.conversation_id, conversation.version, turn.userid),
        )
        return bool(rows[0][0]) if rows else None

    async def running(self, conversation_id: str) -> RunningTurn | None:
        rows = await self._database.execute(
            f"SELECT {_COLUMNS} FROM turns WHERE conversation_id = ? AND over_at IS NULL", conversation_id
        )
        return await self._decoded(rows[0]) if rows else None

    async def unfinished(self) -> list[RunningTurn]:
        rows = await self._database.execute(f"SELECT {_COLUMNS} FROM turns WHERE over_at IS NULL")
        return [turn for row in rows if (turn := await self._decoded(row)) is not None]

    async def _decoded(self, row: tuple[Any, ...]) -> RunningTurn | None:
        owner, said, stop_requested, *values = row
        with storage_errors():
            turn, is_alive = decode_turn(*values), self._liveness.is_alive(owner)
        if not turn.new_messages and not is_alive:
            await self._database.transact(lambda execute: close_damaged(execute, turn, owner))
            return None
        return RunningTurn(turn, said, bool(stop_requested), owner == self._owner, is_alive)

    def follow(self, turn: Turn) -> TurnFollower:
        return TurnFollower(turn, self._database, self._liveness)

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

    async def write_logs(self, logs: list[tuple[Turn, bytes]]) -> None:
        def work(execute: Execute) -> None:
            for turn, said in logs:
                execute(
                    """UPDATE turns SET log = ?
                    WHERE conversation_id = ? AND turn_id = ? AND owner = ? AND over_at IS NULL""",
                    *(said, turn.conversation_id, turn.turn_id, self._owner),
                )

        await self._database.transact(work)

    async def end(self, turn: Turn, answers: list[Message], log: bytes) -> None:
        messages = [*turn.new_messages, *answers]
        base = self._bases.pop(turn.turn_id, None)

        def work(session: Session) -> None:
            if not session.execute(
                "SELECT 1 FROM turns WHERE conversation_id = ? AND turn_id = ? AND over_at IS NULL",
                *(turn.conversation_id, turn.turn_id),
            ):
                # It has been settled, and the next turn may have begun on what it made.
                return
            base_length, stored = self._write_history(turn, messages, base)
            tokens = [part["token"] for one in stored for part in one["parts"] if part["type"] == "picture"]
            with session.transaction() as execute:
                if tokens:
                    mark_images_settled(execute, tokens)
                record_messages(execute, turn.conversation_id, base_length, stored)
                execute(
                    "UPDATE turns SET over_at = ?, log = ? WHERE conversation_id = ? AND turn_id = ?",
                    *(now_ms(), log, turn.conversation_id, turn.turn_id),
                )

        await self._database.run(work)

    def _write_history(
        self, turn: Turn, messages: list[Message], base: list[Message] | None
    ) -> tuple[int, list[Message]]:
        """The turn's messages as the history has them now, and where they begin."""
        if base is None:
            stored = self._checkpoints.read(turn.conversation_id)
            for position, message in enumerate(stored):
                if message["turn"] == turn.turn_id:
                    # A process wrote them, and died before the rows were written.
                    return position, stored[position:]
            base = stored[: turn.base_length]
        self._checkpoints.write(turn.conversation_id, base + messages)
        # Not `base_length`: the history may have fewer messages than the damaged row from which that was counted.
        return len(base), messages

    async def give_up(self, turn: Turn, log: bytes) -> None:
        self._bases.pop(turn.turn_id, None)
        await self._database.execute(
            "UPDATE turns SET log = ?, owner = ? WHERE conversation_id = ? AND turn_id = ? AND over_at IS NULL",
            *(log, NOBODY, turn.conversation_id, turn.turn_id),
        )

    def erase_history(self, conversation_id: str) -> None:
        """Forget the settled messages of a conversation, on the database's thread."""
        self._checkpoints.delete_thread(conversation_id)

    def close(self) -> None:
        """Close the saver's connection, once no turn runs."""
        self._checkpoints.conn.close()
