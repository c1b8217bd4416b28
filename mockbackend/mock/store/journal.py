"""The journal: every call of both sides, with what it was answered and how that ended."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, get_args

import orjson

from .answered import conversation_of, retry_after_of
from .database import Database
from .entries import COLUMNS, entry_of

Side = Literal["front", "model"]
State = Literal["running", "held", "done", "client_gone", "cut", "stopped", "error"]
SIDES: tuple[Side, ...] = get_args(Side)
STATES: tuple[State, ...] = get_args(State)
MAX_ENTRIES = 10_000
MAX_BODY_BYTES = 64 * 1024
MAX_BYTES = 256 * 1024 * 1024
# What a row takes besides its body and headers.
ROW_BYTES = 300
# How many entries may come before the sum over all scenarios is looked at.
ENTRIES_BETWEEN_SUMS = 64
# Entries that are read at once.
BATCH = 100
HIDDEN = frozenset({"authorization", "api-key", "cookie", "proxy-authorization"})
# Between the service and its emulator alone.
INTERNAL = frozenset({"x-mock-call"})
log = logging.getLogger("mockbackend.mock")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries of a journal are asked for; None fits all."""

    kind: str | None = None
    side: str | None = None
    state: str | None = None

    def where(self) -> tuple[str, tuple[str, ...]]:
        """The condition in SQL, and its values."""
        given = {"kind": self.kind, "side": self.side, "state": self.state}
        chosen = {name: value for name, value in given.items() if value is not None}
        return "".join(f" AND {name} = ?" for name in chosen), tuple(chosen.values())


class Entry:
    """A call while it is answered. Without an `id` the journal could not be written, and nothing of it is."""

    # fmt: off
    __slots__ = (
        "_database", "_left", "_row", "conversation", "first_byte", "hold", "id", "lines", "n", "ran_out",
        "retry_after", "rule", "scenario", "status", "turn",
    )
    # fmt: on

    def __init__(self, database: Database, scenario: str, entry_id: int | None, n: int) -> None:
        self._database = database
        self._left: bytes | None = None
        self.id = self._row = entry_id
        self.scenario = scenario
        self.n = n
        self.turn: str | None = None
        self.rule: int | None = None
        self.status: int | None = None
        self.first_byte: int | None = None
        self.conversation: str | None = None
        self.retry_after: float | None = None
        self.lines = 0
        # The row of its hold, and whether one was released by nobody.
        self.hold: int | None = None
        self.ran_out = False

    def take_body(self, body: bytes) -> None:
        """Note the call's body, of which the beginning is kept."""
        self._left = body[:MAX_BODY_BYTES]

    def begin_answer(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Note that the answer begins."""
        self.status = status
        listed = list(headers)
        self.conversation = conversation_of(listed)
        if status >= 400:
            self.retry_after = retry_after_of(listed)
        self.first_byte = _now()

    def show(self) -> None:
        """Write down what is known so far, for those who look while it runs."""
        self._write(None, None)

    def end(self, state: State) -> None:
        """Note the end. The first one counts. A call that was held for too long ends as held."""
        self.let_go()
        if self.id is not None:
            self._write(_now(), "held" if self.ran_out else state)
            self.id = None

    def take_tool_calls(self, calls: Sequence[Mapping[str, str | None]]) -> None:
        """Note the tool calls of the answer, and what they wait for; its turn may go on after the call has ended."""
        try:
            self._database.execute("UPDATE entry SET tool_calls = ? WHERE id = ?", orjson.dumps(calls), self._row)
        except sqlite3.Error as error:
            log.warning("the mock's journal cannot be written: %s", error)

    def let_go(self) -> None:
        """Forget that it was held."""
        if self.hold is not None:
            with suppress(sqlite3.Error):
                self._database.execute("DELETE FROM hold WHERE id = ?", self.hold)
            self.hold = None

    def _write(self, ended_at: int | None, state: State | None) -> None:
        if self.id is None:
            return
        body, size = self._left, len(self._left or b"")
        try:
            with self._database.transaction():
                written = self._database.execute(
                    "UPDATE entry SET body = coalesce(?, body), size = size + ?, turn = coalesce(?, turn), status = ?,"
                    " first_byte = ?, ended_at = ?, lines = ?, state = coalesce(?, state), rule = ?, conversation = ?,"
                    " retry_after = ? WHERE id = ? AND scenario = ?",
                    *(body, size, self.turn, self.status, self.first_byte, ended_at, self.lines, state),
                    *(self.rule, self.conversation, self.retry_after, self.id, self.scenario),
                )
                # An entry that was dropped meanwhile takes no room.
                if size and written.rowcount:
                    self._database.execute("UPDATE scenario SET bytes = bytes + ? WHERE name = ?", size, self.scenario)
        except sqlite3.Error as error:
            log.warning("the mock's journal cannot be written: %s", error)
        self._left = None


class Journal:
    """The journals of all scenarios."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._since_sum = 0

    def begin(
        self,
        scenario: str,
        side: Side,
        kind: str,
        method: str,
        path: str,
        headers: Iterable[tuple[bytes, bytes]],
        *,
        body: bytes = b"",
        turn: str | None = None,
    ) -> Entry:
        """Note a call."""
        database = self._database
        shown = orjson.dumps(_shown(headers))
        kept = body[:MAX_BODY_BYTES]
        size = ROW_BYTES + len(shown) + len(kept)
        try:
            with database.transaction():
                row = database.row(
                    "UPDATE scenario SET last_n = last_n + 1, bytes = bytes + ? WHERE name = ?"
                    " RETURNING last_n, first_n",
                    *(size, scenario),
                )
                if row is None:
                    # It was deleted just now.
                    return Entry(database, scenario, None, 0)
                cursor = database.execute(
                    "INSERT INTO entry (scenario, n, side, kind, turn, method, path, headers, body, at, state, worker,"
                    " size) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'running', ?, ?)",
                    *(scenario, row[0], side, kind, turn, method, path, shown, kept or None, _now()),
                    *(database.worker, size),
                )
                if row[0] - row[1] >= MAX_ENTRIES:
                    self._drop(scenario, row[0] - MAX_ENTRIES)
                self._since_sum += 1
                if self._since_sum >= ENTRIES_BETWEEN_SUMS:
                    self._since_sum = 0
                    self._make_room()
        except sqlite3.Error as error:
            log.warning("the mock's journal cannot be written: %s", error)
            return Entry(database, scenario, None, 0)
        entry = Entry(database, scenario, cursor.lastrowid, row[0])
        entry.turn = turn
        return entry

    def _make_room(self) -> None:
        """Drop the oldest entries of the largest journal, a part of them at a time, while all are too large."""
        total = self._sum()
        while total > MAX_BYTES:
            name, last, first = self._database.row(
                "SELECT name, last_n, first_n FROM scenario ORDER BY bytes DESC LIMIT 1"
            )
            self._drop(name, first + (last - first) // 8)
            before, total = total, self._sum()
            if total >= before:
                # It cannot end so.
                break

    def _sum(self) -> int:
        found: int = self._database.value("SELECT ifnull(sum(bytes), 0) FROM scenario")
        return found

    def _drop(self, scenario: str, through: int) -> None:
        size = self._database.value("SELECT sum(size) FROM entry WHERE scenario = ? AND n <= ?", scenario, through)
        self._database.execute("DELETE FROM entry WHERE scenario = ? AND n <= ?", scenario, through)
        self._database.execute(
            "UPDATE scenario SET first_n = ?, bytes = max(0, bytes - ?) WHERE name = ?",
            through + 1,
            size or 0,
            scenario,
        )

    def count(self, scenario: str, chosen: Filter, limit: int) -> int:
        """How many calls fit, up to `limit`: ended ones, unless a state is asked for."""
        where, values = chosen.where()
        ended = "" if chosen.state else " AND ended_at IS NOT NULL"
        found: int = self._database.value(
            f"SELECT count(*) FROM (SELECT 1 FROM entry WHERE scenario = ?{where}{ended} LIMIT ?)",
            *(scenario, *values, limit),
        )
        return found

    def number_of_kind(self, entry: Entry, side: Side, kind: str, turn: str | None = None) -> int:
        """Which of the calls of its side and kind a call is, from 1; of those of a turn, if one is given."""
        dropped = self._database.value("SELECT first_n FROM scenario WHERE name = ?", entry.scenario) or 1
        if dropped > 1:
            # Those that are dropped cannot be counted any more.
            return entry.n
        found: int = self._database.value(
            "SELECT count(*) FROM entry WHERE scenario = ? AND side = ? AND kind = ? AND n <= ?"
            " AND (turn = ? OR ? IS NULL)",
            *(entry.scenario, side, kind, entry.n, turn, turn),
        )
        return found

    def unmatched(self, scenario: str) -> list[int]:
        """The `n` of the model's calls for chat and images that no rule has fitted. An engine's refusals need none."""
        found = self._database.rows(
            "SELECT n FROM entry WHERE scenario = ? AND side = 'model' AND kind IN ('chat', 'image')"
            " AND rule IS NULL AND (status IS NULL OR status = 404 OR status NOT BETWEEN 400 AND 499) ORDER BY n",
            scenario,
        )
        return [n for (n,) in found]

    def read(self, scenario: str, chosen: Filter) -> Iterator[list[dict[str, Any]]]:
        """The calls that fit, oldest first, some at a time. It has a connection of its own, so any thread may read."""
        where, values = chosen.where()
        statement = f"SELECT {COLUMNS} FROM entry WHERE scenario = ? AND n > ?{where} ORDER BY n LIMIT {BATCH}"
        last = 0
        with self._database.reading() as connection:
            while rows := connection.execute(statement, (scenario, last, *values)).fetchall():
                yield [entry_of(scenario, row) for row in rows]
                last = rows[-1][0]


def _shown(headers: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str]:
    named = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers)
    return {name: "***" if name in HIDDEN else value for name, value in named if name not in INTERNAL}


def _now() -> int:
    return time.time_ns() // 1_000_000
