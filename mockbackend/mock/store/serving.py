"""Which rule of a scenario serves a call, counted for all processes together."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic

from ..script.matching import Facts, R, fits
from .database import Database
from .journal import NEXT, log
from .scenarios import Scenario, Scenarios


@dataclass(frozen=True, slots=True)
class Serving(Generic[R]):
    """A rule that serves a call: its index, or `NEXT`, and how often it has served before."""

    rule: R
    index: int
    before: int


class Servings:
    """The choice of rules."""

    def __init__(self, database: Database, scenarios: Scenarios) -> None:
        self._database = database
        self._scenarios = scenarios

    def has(self, name: str, kind: type[R]) -> bool:
        """Whether a scenario has rules of a kind."""
        scenario = self._scenarios.open(name)
        return any(isinstance(rule, kind) for _, rule in _all(scenario))

    def serve(self, name: str, kind: type[R], facts: Facts) -> Serving[R] | None:
        """The first rule of a kind that fits and is not used up; it has then served once more."""
        scenario = self._scenarios.open(name)
        if not any(isinstance(rule, kind) and fits(rule, facts) for _, rule in _all(scenario)):
            return None
        try:
            with self._database.transaction():
                # Now nobody else counts, and nothing of it changes.
                return self._choose(self._scenarios.open(name), kind, facts)
        except sqlite3.Error as error:
            log.warning("the mock's counters cannot be written: %s", error)
            return None

    def _choose(self, scenario: Scenario, kind: type[R], facts: Facts) -> Serving[R] | None:
        for queued_id, rule in scenario.queued:
            if isinstance(rule, kind) and fits(rule, facts):
                self._database.execute("DELETE FROM queued WHERE id = ?", queued_id)
                return Serving(rule, NEXT, 0)
        for index, rule in enumerate(scenario.script.rules):
            if isinstance(rule, kind) and fits(rule, facts):
                before = self._count(scenario.name, index, rule.times)
                if before is not None:
                    return Serving(rule, index, before)
        return None

    def _count(self, name: str, index: int, times: int | None) -> int | None:
        """Count a serving, and return how many there were before; None if there may be no more."""
        before = self._database.value("SELECT times FROM served WHERE scenario = ? AND rule = ?", name, index) or 0
        if times is not None and before >= times:
            return None
        self._database.execute(
            "INSERT INTO served VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET times = times + 1", name, index
        )
        return before


def _all(scenario: Scenario) -> Iterator[tuple[int, object]]:
    yield from scenario.queued
    yield from enumerate(scenario.script.rules)
