"""Which rule of a scenario serves a call, counted for all processes together."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic

import msgspec
import orjson

from ..script import to_rule
from ..script.matching import Facts, Fit, R, fit
from ..script.rules import ChatRule, ImageRule, Rule, is_of_wire
from .database import Database
from .entries import NEXT
from .journal import log
from .scenarios import Scenario, Scenarios

# Rules of the queue that are kept for turns that run.
MAX_TAKEN = 1000


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rule that a front end's call was given, which serves the model's calls of its turn too.

    `index` is `NEXT` for one that was queued, which is then kept as `taken`.
    """

    generation: int
    index: int
    before: int
    taken: int | None = None


@dataclass(frozen=True, slots=True)
class Serving(Generic[R]):
    """A rule that serves a call: its index, or `NEXT`, and how often it has served before."""

    rule: R
    index: int
    before: int
    fit: Fit

    @property
    def item(self) -> Any:
        """The rule's answer this time: the last one repeats."""
        respond = self.rule.respond
        return respond[min(self.before, len(respond) - 1)] if respond else self.rule

    def answer(self, kind: type[msgspec.Struct]) -> Any:
        """The answer as a struct of this kind, with its templates filled in."""
        item = self.item
        return self.fit.render(kind(*(getattr(item, name) for name in kind.__struct_fields__)))


class Servings:
    """The choice of rules."""

    def __init__(self, database: Database, scenarios: Scenarios) -> None:
        self._database = database
        self._scenarios = scenarios

    def has(self, name: str, kind: type[R]) -> bool:
        """Whether a scenario has rules of a kind."""
        scenario = self._scenarios.open(name)
        return any(isinstance(rule, kind) for rule in scenario.rules)

    def serve(
        self, name: str, kind: type[R], facts: Facts, *, of_turn: bool = False, chosen: Chosen | None = None
    ) -> Serving[R] | None:
        """The first rule of a kind that fits and is not used up; it has then served once more.

        In a turn of the service, rules that are about the front end's call serve only if that was given them.
        """
        scenario = self._scenarios.open(name)
        if chosen and (serving := self._chosen(scenario, kind, facts, chosen)):
            return serving

        found = self._choose(scenario, partial(_takes, kind, of_turn), facts)
        return found[0] if found else None

    def upcoming(
        self, name: str, kind: type[R], facts: Facts, *, of_turn: bool = False, chosen: Chosen | None = None
    ) -> Serving[R] | None:
        """What `serve` would choose now; nothing is counted."""
        scenario = self._scenarios.open(name)
        if chosen and (serving := self._chosen(scenario, kind, facts, chosen)):
            return serving
        for _, rule in scenario.queued:
            if isinstance(rule, kind) and _takes(kind, of_turn, rule) and (found := fit(rule, facts)):
                return Serving(rule, NEXT, 0, found)
        for index, rule in enumerate(scenario.script.rules):
            if not isinstance(rule, kind) or not _takes(kind, of_turn, rule) or not (found := fit(rule, facts)):
                continue
            if (before := self._before(name, index, _times(rule))) is not None:
                return Serving(rule, index, before, found)
        return None

    def serve_front(self, scenario: Scenario, on: str, number: int, facts: Facts) -> tuple[Serving[Any], Chosen] | None:
        """The first rule of the wire that fits a front end's call, the `number`-th of its kind."""

        def takes(rule: Rule) -> bool:
            if not is_of_wire(rule) or not isinstance(rule, ChatRule | ImageRule):
                return False
            if isinstance(rule, ImageRule):
                return on == "chat" and facts.mode == "image"
            return (rule.on or "chat") == on and rule.nth in (None, number)

        return self._choose(scenario, takes, facts)

    def _choose(
        self, scenario: Scenario, takes: Callable[[Rule], bool], facts: Facts
    ) -> tuple[Serving[Any], Chosen] | None:
        if not any(takes(rule) and fit(rule, facts) for rule in scenario.rules):
            return None
        try:
            with self._database.transaction():
                # Now nobody else counts, and nothing of it changes.
                scenario = self._scenarios.open(scenario.name)
                for queued, rule in scenario.queued:
                    if takes(rule) and (found := fit(rule, facts)):
                        taken = self._take(scenario.name, queued, keeps=is_of_wire(rule))
                        return Serving(rule, NEXT, 0, found), Chosen(scenario.generation, NEXT, 0, taken)
                for index, rule in enumerate(scenario.script.rules):
                    if takes(rule) and (found := fit(rule, facts)):
                        before = self._count(scenario.name, index, _times(rule))
                        if before is not None:
                            chosen = Chosen(scenario.generation, index, before)
                            return Serving(rule, index, before, found), chosen
        except sqlite3.Error as error:
            log.warning("the mock's counters cannot be written: %s", error)
        return None

    def _chosen(self, scenario: Scenario, kind: type[R], facts: Facts, chosen: Chosen) -> Serving[R] | None:
        if chosen.index == NEXT:
            stored = self._database.value("SELECT rule FROM taken WHERE id = ?", chosen.taken)
            rule: Rule | None = to_rule(orjson.loads(stored)) if stored else None
        else:
            rules = scenario.script.rules if scenario.generation == chosen.generation else ()
            rule = rules[chosen.index] if chosen.index < len(rules) else None
        if not isinstance(rule, kind):
            return None
        # It was chosen by the call that the turn began with; what it has found there is found again.
        found = fit(rule, facts) or Fit(facts)
        return Serving(rule, chosen.index, chosen.before, found)

    def _take(self, name: str, queued: int, *, keeps: bool) -> int | None:
        """Take a rule from the queue; keep it for the model's calls of the turn that it serves, if there are any."""
        if keeps:
            self._database.execute(
                "INSERT INTO taken (id, scenario, rule) SELECT id, scenario, rule FROM queued WHERE id = ?", queued
            )
            self._database.execute("DELETE FROM taken WHERE scenario = ? AND id < ?", name, queued - MAX_TAKEN)
        self._database.execute("DELETE FROM queued WHERE id = ?", queued)
        return queued if keeps else None

    def _count(self, name: str, index: int, times: int | None) -> int | None:
        """Count a serving, and return how many there were before; None if there may be no more."""
        before = self._before(name, index, times)
        if before is not None:
            self._database.execute(
                "INSERT INTO served VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET times = times + 1", name, index
            )
        return before

    def _before(self, name: str, index: int, times: int | None) -> int | None:
        """How many servings there were; None if there may be no more."""
        before = self._database.value("SELECT times FROM served WHERE scenario = ? AND rule = ?", name, index) or 0
        return None if times is not None and before >= times else int(before)


def _takes(kind: type[Any], of_turn: bool, rule: Rule) -> bool:
    return isinstance(rule, kind) and not (of_turn and is_of_wire(rule))


def _times(rule: Rule) -> int | None:
    return 1 if rule.once else rule.times
