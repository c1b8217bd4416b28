"""Streams that stand still until somebody releases them, in whatever process they are."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ..script.names import DEFAULT
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


class Gone(Exception):
    """The scenario was deleted or made again while its stream was held."""


class Hold:
    """One stream that is held. It ends when it is released, or has lasted too long.

    Its row stays while the stream goes on for some lines or deltas, so that what is released meanwhile counts.
    """

    def __init__(self, database: Database, entry: Entry) -> None:
        self._database = database
        self._entry = entry
        self._deadline = time.monotonic() + HOLD_SECONDS
        entry.show()
        with database.transaction():
            if entry.hold is None:
                entry.hold = database.execute(
                    "INSERT INTO hold (scenario, worker, n, turn) VALUES (?, ?, ?, ?)",
                    *(entry.scenario, database.worker, entry.n, entry.turn),
                ).lastrowid
            if not self._more():
                _show(database, entry.scenario, entry.n, entry.turn, "held")

    def look(self, gate: Gate) -> bool:
        """Whether it goes on; the gate is then open for as many as were released. Raises Gone."""
        more = self._more()
        if more is None:
            if self._entry.scenario != DEFAULT:
                raise Gone
            more = ALL
        if more == 0:
            if time.monotonic() < self._deadline:
                return False
            self._entry.ran_out, more = True, ALL
        if more != ALL:
            with self._database.transaction():
                more = self._more()
                self._database.execute("UPDATE hold SET more = 0 WHERE id = ? AND more != ?", self._entry.hold, ALL)
        gate.left = None if more is None or more == ALL else more
        return True

    def end(self, gate: Gate) -> None:
        """Let go of the stream: for good, unless the gate closes once more."""
        if not gate.left:
            self._entry.let_go()
        with self._database.transaction():
            _show(self._database, self._entry.scenario, self._entry.n, self._entry.turn, "running")

    def _more(self) -> int | None:
        more: int | None = self._database.value("SELECT more FROM hold WHERE id = ?", self._entry.hold)
        return more


class Holds:
    """The streams that are held."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, entry: Entry) -> Hold:
        """Hold the stream of a call."""
        return Hold(self._database, entry)

    def release(self, scenario: str, count: int | None) -> int:
        """Let a scenario's held streams go on, for `count` deltas or lines or to their end. Returns how many did.

        One that goes on for some already gets these as well.
        """
        with self._database.transaction():
            released = self._database.rows(
                "UPDATE hold SET more = iif(? IS NULL, ?, more + ?) WHERE scenario = ? AND more != ? RETURNING n, turn",
                *(count, ALL, count, scenario, ALL),
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
