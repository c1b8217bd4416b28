"""How a turn is followed from another process: its row is read again and again, and its owner sees that it is."""

from __future__ import annotations

import contextlib

from ...concurrency.liveness import Liveness
from ...messages import now_ms
from ..values import FollowedTurn, StorageError, Turn
from .database import Database
from .sqlite import storage_errors

FOLLOWED_MS = 3_000
# This much of that is over before it is written again, so most reads write nothing.
RENEWAL_MS = 1_000


class TurnFollower:
    """The contract's TurnFollower."""

    def __init__(self, turn: Turn, database: Database, liveness: Liveness) -> None:
        self._turn = turn
        self._database = database
        self._liveness = liveness
        self._marked = 0

    async def read(self) -> FollowedTurn | None:
        turn_id, now = self._turn.turn_id, now_ms()
        rows = await self._database.execute(
            """SELECT iif(turn_id = ?, log, previous_log), turn_id != ? OR over_at IS NOT NULL, owner FROM turns
            WHERE conversation_id = ? AND (turn_id = ? OR previous_id = ?)""",
            *(turn_id, turn_id, self._turn.conversation_id, turn_id, turn_id),
        )
        if not rows:
            return None
        log, is_over, owner = rows[0]
        with storage_errors():
            is_elsewhere = not is_over and owner != self._liveness.id and self._liveness.is_alive(owner)
        if is_elsewhere and now - self._marked >= RENEWAL_MS:
            # On a full disk nothing can be written, and all that is there can be read.
            with contextlib.suppress(StorageError):
                await self._database.execute(
                    "UPDATE turns SET followed_until = ? WHERE conversation_id = ? AND turn_id = ? AND over_at IS NULL",
                    *(now + FOLLOWED_MS, self._turn.conversation_id, turn_id),
                )
            self._marked = now
        return FollowedTurn(log, bool(is_over), is_elsewhere)
