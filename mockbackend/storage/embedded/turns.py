"""The rows of turns: who runs each, what the user said, what has been said so far, and a wish to stop.

A row is the write-ahead log of the history. It is claimed before the answer starts, and over once the answer is in the
checkpoint; it stays for a moment then, for those who follow it from another process. A row whose owner has died is
taken over and folded in by whoever comes next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from ...messages import Message, now_ms
from . import conversations
from . import images as images
from .conversations import Conversation
from .database import Database, Execute

# For processes of other hosts, which no file lock tells of; on this one the lock decides.
LEASE_MS = 15_000
RENEWAL_MS = 5_000
# An owner that is no process.
NOBODY = "nobody"
OVER_MS = 2_000
_COLUMNS = "conversation_id, turn_id, message_id, owner, started_at, framing, keep, added, log, stop_requested"


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn as it is stored: the history will be its first `base_length` messages, `new_messages`, and the answer."""

    conversation_id: str
    turn_id: str
    message_id: str
    owner: str
    started_at: int
    framing: str
    base_length: int
    new_messages: list[Message]
    log: bytes = b"[]"
    stop_requested: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """A turn that has its row; `has_documents` says whether its user has files that can be searched."""

    turn: Turn
    has_documents: bool


class Turns:
    """The table `turns`, as process `owner` sees it."""

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self.owner = owner

    async def begin(
        self, userid: str, conversation_id: str, title: str, first: Callable[[Conversation], Turn | None]
    ) -> tuple[Conversation | None, Claim | None]:
        """The conversation's row, made where there was none, and the claim of the turn that `first` makes of it.

        None for the row where the id is somebody else's; None for the claim where `first` makes no turn, or another
        runs. `first` is called on the connection's thread; what it raises leaves nothing stored.
        """

        def work(execute: Execute) -> tuple[Conversation | None, Claim | None]:
            conversation = conversations.begin(execute, userid, conversation_id, title)
            turn = first(conversation) if conversation else None
            return conversation, self._claim(execute, userid, turn, conversation) if turn and conversation else None

        return await self._database.transact(work)

    async def claim(self, userid: str, turn: Turn, conversation: Conversation, title: str) -> Claim | None:
        """Write the row of a turn that begins, its place told from that row of its conversation, which is named so.

        None where another runs, or where the conversation has changed since.
        """

        def work(execute: Execute) -> Claim | None:
            claim = self._claim(execute, userid, turn, conversation)
            if claim and title != conversation.title:
                execute("UPDATE conversations SET title = ? WHERE id = ?", title, conversation.id)
            return claim

        return await self._database.transact(work)

    def _claim(self, execute: Execute, userid: str, turn: Turn, conversation: Conversation) -> Claim | None:
        rows = execute(
            """INSERT INTO turns (conversation_id, turn_id, message_id, owner, lease_until, started_at, framing, keep,
            added_count, added, log) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
            WHERE EXISTS (SELECT 1 FROM conversations
                WHERE id = ? AND updated_at = ? AND message_count = ? AND deleted_at IS NULL)
            ON CONFLICT (conversation_id) DO UPDATE SET turn_id = excluded.turn_id, message_id = excluded.message_id,
            owner = excluded.owner, lease_until = excluded.lease_until, started_at = excluded.started_at,
            framing = excluded.framing, keep = excluded.keep, added_count = excluded.added_count,
            added = excluded.added, log = excluded.log, stop_requested = FALSE, over_at = NULL,
            previous_id = turns.turn_id, previous_log = turns.log
            WHERE over_at IS NOT NULL RETURNING EXISTS (
                SELECT 1 FROM files WHERE userid = ? AND status = 'ready' AND deleted_at IS NULL)""",
            *(turn.conversation_id, turn.turn_id, turn.message_id, self.owner, now_ms() + LEASE_MS, turn.started_at),
            *(turn.framing, turn.base_length, len(turn.new_messages), orjson.dumps(turn.new_messages), turn.log),
            *(turn.conversation_id, conversation.updated_at, conversation.message_count, userid),
        )
        return Claim(turn, bool(rows[0][0])) if rows else None

    async def running(self, conversation_id: str) -> Turn | None:
        """The conversation's turn that is not over."""
        rows = await self._database.execute(
            f"SELECT {_COLUMNS} FROM turns WHERE conversation_id = ? AND over_at IS NULL", conversation_id
        )
        return _turn(rows[0]) if rows else None

    async def said(self, turn: Turn) -> tuple[bytes, bool] | None:
        """The log of a turn that may just have ended, and whether it has; None where its row is gone."""
        rows = await self._database.execute(
            """SELECT iif(turn_id = ?1, log, previous_log), turn_id != ?1 OR over_at IS NOT NULL FROM turns
            WHERE conversation_id = ?2 AND (turn_id = ?1 OR previous_id = ?1)""",
            *(turn.turn_id, turn.conversation_id),
        )
        return (rows[0][0], bool(rows[0][1])) if rows else None

    async def unfinished(self) -> list[Turn]:
        """Every turn that is not over, of all processes."""
        return [
            _turn(row) for row in await self._database.execute(f"SELECT {_COLUMNS} FROM turns WHERE over_at IS NULL")
        ]

    async def take_over(self, turn: Turn) -> bool:
        """Make a dead process's turn ours; False where another was quicker."""
        rows = await self._database.execute(
            "UPDATE turns SET owner = ?, lease_until = ? WHERE turn_id = ? AND owner = ? RETURNING turn_id",
            *(self.owner, now_ms() + LEASE_MS, turn.turn_id, turn.owner),
        )
        return bool(rows)

    async def request_stop(self, conversation_id: str, turn_id: str) -> None:
        """Ask the process that runs the turn to end it."""
        await self._database.execute(
            "UPDATE turns SET stop_requested = TRUE WHERE conversation_id = ? AND turn_id = ?",
            *(conversation_id, turn_id),
        )

    async def write_logs(self, logs: list[tuple[Turn, bytes]]) -> None:
        """Write what these turns of ours have said so far; the log of one that is over is whole, and stays."""

        def work(execute: Execute) -> None:
            for turn, log in logs:
                execute(
                    "UPDATE turns SET log = ? WHERE conversation_id = ? AND turn_id = ? AND over_at IS NULL",
                    *(log, turn.conversation_id, turn.turn_id),
                )

        await self._database.transact(work)

    async def give_up(self, turn: Turn, log: bytes) -> None:
        """Leave a turn that could not be stored, with all that it has said, to whoever comes next in any process."""
        await self._database.execute(
            "UPDATE turns SET log = ?, owner = ? WHERE conversation_id = ? AND turn_id = ? AND over_at IS NULL",
            *(log, NOBODY, turn.conversation_id, turn.turn_id),
        )

    async def beat(self) -> list[str]:
        """Renew the leases of our turns, forget those long over; returns the ids of ours that should stop."""

        def work(execute: Execute) -> list[str]:
            now = now_ms()
            execute("DELETE FROM turns WHERE over_at < ?", now - OVER_MS)
            execute(
                "UPDATE turns SET lease_until = ? WHERE owner = ? AND over_at IS NULL AND lease_until < ?",
                *(now + LEASE_MS, self.owner, now + LEASE_MS - RENEWAL_MS),
            )
            stops = "SELECT turn_id FROM turns WHERE owner = ? AND over_at IS NULL AND stop_requested"
            return [turn_id for (turn_id,) in execute(stops, self.owner)]

        return await self._database.transact(work)

    async def end(self, turn: Turn, texts: list[str], tokens: list[str], log: bytes) -> None:
        """The answer is in the history, so that the conversation has its new messages and the turn is over.

        `texts` are those of the messages after the first `base_length`, `tokens` the images in them; `log` is the whole
        turn, for those who follow from another process.
        """

        def work(execute: Execute) -> None:
            if tokens:
                images.settle(execute, tokens)
            conversations.settle(execute, turn.conversation_id, turn.base_length, texts)
            execute(
                "UPDATE turns SET over_at = ?, log = ? WHERE conversation_id = ? AND turn_id = ?",
                *(now_ms(), log, turn.conversation_id, turn.turn_id),
            )

        await self._database.transact(work)


def _turn(row: tuple[Any, ...]) -> Turn:
    *values, new_messages, log, stop_requested = row
    return Turn(*[*values, orjson.loads(new_messages), log, bool(stop_requested)])
