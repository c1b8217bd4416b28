"""How a turn is followed from another process: its log is read again and again, and its owner sees that it is."""

from __future__ import annotations

from ..values import FollowedTurn, Turn
from .database import Database
from .processes import Processes, alive
from .turn_logs import EMPTY, assembled

FOLLOWED_SECONDS = 3
# A second of that is over before it is written again, so most reads write nothing.
_READ = f"""WITH followed AS (UPDATE turns SET followed_until = now() + interval '{FOLLOWED_SECONDS} seconds'
        WHERE turn_id = %(turn_id)s AND over_at IS NULL
        AND coalesce(followed_until < now() + interval '{FOLLOWED_SECONDS - 1} seconds', TRUE)),
    new AS (SELECT number, kept, data FROM turn_logs WHERE turn_id = %(turn_id)s AND number > %(after)s)
    SELECT (SELECT max(number) FROM new), (SELECT array_agg(kept ORDER BY number) FROM new),
    (SELECT array_agg(data ORDER BY number) FROM new), over_at IS NOT NULL, owner, {alive("owner")},
    p.host, p.pid, p.started FROM turns LEFT JOIN processes p ON p.id = owner WHERE turn_id = %(turn_id)s"""


class TurnFollower:
    """The contract's TurnFollower. It reads each piece of the log once."""

    def __init__(self, turn: Turn, database: Database, processes: Processes) -> None:
        self._turn_id = turn.turn_id
        self._database = database
        self._processes = processes
        self._number = -1
        self._said = b""

    async def read(self) -> FollowedTurn | None:
        rows = await self._database.execute(_READ, {"turn_id": self._turn_id, "after": self._number})
        if not rows:
            return None
        number, kept, data, is_over, owner, is_alive, *process = rows[0]
        if number is not None:
            self._number, self._said = number, assembled(kept, data, self._said)
        is_elsewhere = not is_over and is_alive and owner != self._processes.id
        if is_elsewhere and await self._processes.bury_if_gone(owner, *process):
            is_elsewhere = False
        return FollowedTurn(self._said or EMPTY, is_over, is_elsewhere)
