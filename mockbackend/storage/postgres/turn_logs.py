"""The table `turn_logs`: what turns have said, written piece by piece.

A log is a JSON list that grows at its end. To write it whole again and again would cost the square of its length, so a
row keeps the first bytes of the log before it and goes on from there. Numbers of a turn's next owner are above those
of the one before, which may have stalled in the middle of a write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

EMPTY = b"[]"
# The row that a claim writes, before all others.
OPENING_NUMBER = 0
# A turn's rows as two arrays, for `assembled`.
PIECES = """(SELECT array_agg(kept ORDER BY number) FROM turn_logs l WHERE l.turn_id = t.turn_id),
    (SELECT array_agg(data ORDER BY number) FROM turn_logs l WHERE l.turn_id = t.turn_id)"""


@dataclass(slots=True)
class WrittenLog:
    """What this process knows to be written of a turn's log; the number of its last row.

    `replaces`: the turn may replace messages, as far as this process knows. `lapses`: how often this process had
    counted as dead when it got the turn.
    """

    number: int = 0
    said: bytes = b""
    is_writing: bool = False
    replaces: bool = True
    lapses: int = 0

    @classmethod
    def of_generation(cls, generation: int, lapses: int) -> WrittenLog:
        """The log of a turn that this process has taken over."""
        return cls(generation << 32, lapses=lapses)

    def piece(self, said: bytes) -> Piece:
        """The row that makes the log `said`. It is whole beside another that is just being written, and may not be."""
        self.number += 1
        kept = 0 if self.is_writing else _common(self.said, said)
        return Piece(self.number, kept, said[kept:])


# The lock keeps a log from being written beside an end, which is final.
WRITE_LOGS = """WITH given AS (SELECT * FROM unnest(%(turn_ids)s::text[], %(numbers)s::bigint[],
        %(kept)s::integer[], %(data)s::bytea[], %(input_tokens)s::bigint[], %(output_tokens)s::bigint[],
        %(images)s::bigint[]) AS given (turn_id, number, kept, data, input_tokens, output_tokens, images)),
    mine AS (UPDATE turns t SET input_tokens = given.input_tokens, output_tokens = given.output_tokens,
        images = given.images FROM given
        WHERE t.turn_id = given.turn_id AND owner = %(me)s AND over_at IS NULL RETURNING t.turn_id, userid)
    INSERT INTO turn_logs (turn_id, number, userid, kept, data) SELECT turn_id, number, userid, kept, data
    FROM given JOIN mine USING (turn_id) ON CONFLICT DO NOTHING"""


class Piece(NamedTuple):
    """A row: its number, how many bytes it keeps, and what follows them."""

    number: int
    kept: int
    data: bytes


def assembled(kept: list[int] | None, data: list[bytes] | None, log: bytes = b"") -> bytes:
    """The log of these rows, which follow those of `log`."""
    for length, more in zip(kept or [], data or [], strict=True):
        log = log[:length] + more
    return log or EMPTY


def _common(one: bytes, other: bytes) -> int:
    """How many bytes both begin with."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
