"""The rows of running turns: who runs each, what the user said, and what has been said so far.

A row is the write-ahead log of the history. It is claimed before the answer starts, and gone once the answer is in the
checkpoint; a row whose owner has died is taken over and folded in by whoever comes next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from ..messages import Message, now_ms
from .database import Database

LEASE_MS = 15_000
_COLUMNS = "conversation_id, turn_id, message_id, owner, started_at, framing, keep, added, log"


@dataclass(frozen=True, slots=True)
class Turn:
    """A running turn as it is stored: the history will be its first `keep` messages, `added`, and the answer."""

    conversation_id: str
    turn_id: str
    message_id: str
    owner: str
    started_at: int
    framing: str
    keep: int
    added: list[Message]
    log: bytes = b"[]"


class Turns:
    """The table `turns`, as process `owner` sees it."""

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self.owner = owner

    async def claim(self, turn: Turn, seen: int) -> bool:
        """Write the row of a turn that begins; False where another runs, or where the conversation has changed since
        `seen`, the `updated_at` that `turn.keep` was told from."""
        rows = await self._database.run(
            """INSERT INTO turns (conversation_id, turn_id, message_id, owner, lease_until, started_at, framing, keep,
            added_count, added, log) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
            WHERE EXISTS (SELECT 1 FROM conversations WHERE id = ? AND updated_at = ? AND deleted_at IS NULL)
            ON CONFLICT DO NOTHING RETURNING turn_id""",
            *(turn.conversation_id, turn.turn_id, turn.message_id, self.owner, now_ms() + LEASE_MS, turn.started_at),
            *(turn.framing, turn.keep, len(turn.added), orjson.dumps(turn.added), turn.log),
            *(turn.conversation_id, seen),
        )
        return bool(rows)

    async def get(self, conversation_id: str) -> Turn | None:
        """The conversation's running turn."""
        rows = await self._database.run(f"SELECT {_COLUMNS} FROM turns WHERE conversation_id = ?", conversation_id)
        return _turn(rows[0]) if rows else None

    async def all(self) -> list[Turn]:
        """Every row there is."""
        return [_turn(row) for row in await self._database.run(f"SELECT {_COLUMNS} FROM turns")]

    async def take_over(self, turn: Turn) -> bool:
        """Make a dead process's turn ours; False where another was quicker."""
        rows = await self._database.run(
            "UPDATE turns SET owner = ?, lease_until = ? WHERE turn_id = ? AND owner = ? RETURNING turn_id",
            *(self.owner, now_ms() + LEASE_MS, turn.turn_id, turn.owner),
        )
        return bool(rows)

    async def write_log(self, conversation_id: str, turn_id: str, log: bytes) -> None:
        """Write what has been said so far, and renew the lease."""
        await self._database.run(
            "UPDATE turns SET log = ?, lease_until = ? WHERE conversation_id = ? AND turn_id = ?",
            *(log, now_ms() + LEASE_MS, conversation_id, turn_id),
        )

    async def end(self, conversation_id: str, turn_id: str) -> None:
        """Remove the row: the answer is in the history."""
        await self._database.run(
            "DELETE FROM turns WHERE conversation_id = ? AND turn_id = ?", conversation_id, turn_id
        )


def _turn(row: tuple[Any, ...]) -> Turn:
    *values, added, log = row
    return Turn(*[*values, orjson.loads(added), log])
