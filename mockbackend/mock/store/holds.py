"""Streams that stand still until somebody releases them, in whatever process they are."""

from __future__ import annotations

import time
from dataclasses import dataclass

from .database import Database
from .journal import Entry

# A hold that nobody releases ends after this time.
HOLD_SECONDS = 60.0
# How often a held stream looks whether it is released.
POLL_SECONDS = 0.02
ALL = -1


@dataclass(slots=True)
class Gate:
    """How many more lines or deltas of a stream may pass; None is all."""

    left: int | None

    @property
    def is_closed(self) -> bool:
        """Whether none may pass."""
        return self.left == 0

    def passed(self) -> None:
        """Count one that has passed."""
        if self.left:
            self.left -= 1


class Hold:
    """One stream that is held. It ends when it is released, or has lasted too long."""

    def __init__(self, database: Database, entry: Entry) -> None:
        self._database = database
        self._entry = entry
        self._deadline = time.monotonic() + HOLD_SECONDS
        with database.transaction():
            self._id = database.execute(
                "INSERT INTO hold (scenario, worker, n, turn) VALUES (?, ?, ?, ?)",
                *(entry.scenario, database.worker, entry.n, entry.turn),
            ).lastrowid
            _show(database, entry.scenario, entry.n, entry.turn, "held")

    def look(self, gate: Gate) -> bool:
        """Whether it goes on; the gate is then open for as many as were released."""
        more = self._database.value("SELECT more FROM hold WHERE id = ?", self._id)
        if more == 0 and time.monotonic() < self._deadline:
            return False
        self._entry.ran_out = self._entry.ran_out or more == 0
        # A scenario that was deleted holds nothing any more.
        gate.left = more if more and more != ALL else None
        return True

    def end(self) -> None:
        """Let go of the stream."""
        with self._database.transaction():
            self._database.execute("DELETE FROM hold WHERE id = ?", self._id)
            _show(self._database, self._entry.scenario, self._entry.n, self._entry.turn, "running")


class Holds:
    """The streams that are held."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, entry: Entry) -> Hold:
        """Hold the stream of a call."""
        return Hold(self._database, entry)

    def release(self, scenario: str, count: int | None) -> int:
        """Let a scenario's held streams go on, for `count` deltas or lines or to their end. Returns how many did."""
        with self._database.transaction():
            released = self._database.rows(
                "UPDATE hold SET more = ? WHERE scenario = ? AND more = 0 RETURNING n, turn",
                *(ALL if count is None else count, scenario),
            )
            # At once: who asks for held streams now means the next hold.
            for n, turn in released:
                _show(self._database, scenario, n, turn, "running")
        return len(released)


def _show(database: Database, scenario: str, n: int, turn: str | None, state: str) -> None:
    """Show the state in the entries of both sides of a turn."""
    database.execute(
        "UPDATE entry SET state = ? WHERE scenario = ? AND (n = ? OR turn = ?) AND state IN ('running', 'held')"
        " AND ended_at IS NULL",
        *(state, scenario, n, turn),
    )
