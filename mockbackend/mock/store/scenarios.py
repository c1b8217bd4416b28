"""Scenarios: each a script with its counters, by a name."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from ..script import Script, to_rule, to_script
from ..script.names import DEFAULT, NAME, NAMES
from ..script.rules import Rule
from .database import Database

MAX_SCENARIOS = 1000
MAX_QUEUED = 1000
# All scripts and all queued rules together, in the file; and the scripts that are kept parsed, in each process.
MAX_BYTES = 256 * 1024 * 1024
MAX_CACHED_BYTES = 16 * 1024 * 1024
# The sum is looked at for each script that is longer.
SMALL_BYTES = 64 * 1024
# What a parsed script takes, however short it is.
LEAST_CACHED = 1024
EMPTY: Mapping[str, Any] = {"rules": []}


class UnknownScenario(LookupError):
    """A name that no scenario has."""

    def __init__(self, name: str) -> None:
        advice = f"Make it with PUT /__mock__/scenarios/{name}." if NAME.fullmatch(name) else NAMES
        super().__init__(f"There is no scenario named {name[:128]!r}. {advice}")


class OtherScript(Exception):
    """Another process of this folder has another MOCK_SCRIPT, and `default` can have but one."""

    def __init__(self, path: str) -> None:
        super().__init__(f"a process that runs in this folder has {f'the script {path}' if path else 'no script'}")


class TooManyScenarios(Exception):
    """There are as many scenarios as there may be, and the message names the oldest; or their rules are too large."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario as it is now. Each PUT gives it another generation."""

    name: str
    generation: int
    script: Script
    queued: Sequence[tuple[int, Rule]] = ()

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Its rules, the queued ones first."""
        return (*(rule for _, rule in self.queued), *self.script.rules)


class Scenarios:
    """The scenarios of a host."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Parsed scripts by generation, with the size of their text.
        self._scripts: OrderedDict[int, tuple[Script, int]] = OrderedDict()
        self._cached_bytes = 0

    def exists(self, name: str) -> bool:
        """Whether there is a scenario of that name."""
        return self._database.row("SELECT 1 FROM scenario WHERE name = ?", name) is not None

    def resolve(self, named: str | None, other: str | None = None) -> str:
        """The scenario that a call belongs to: the named one, or that of the other name, or `default`.

        Raises UnknownScenario for a named one that is not there.
        """
        if named is not None:
            if not self.exists(named):
                raise UnknownScenario(named)
            return named
        return other if other and self.exists(other) else DEFAULT

    def put(self, name: str, document: Mapping[str, Any], *, origin: bytes | None = None) -> None:
        """Make or replace a scenario by a checked script: its counters and its journal are new.

        `origin` tells which text of MOCK_SCRIPT it is, if it is that. Raises TooManyScenarios.
        """
        with self._database.transaction():
            self._check_room(name)
            self._remove(name)
            if self._insert(name, document, origin) > SMALL_BYTES:
                self._check_size()

    def ensure(self, name: str) -> None:
        """Make an empty scenario, unless it is there. Raises TooManyScenarios."""
        with self._database.transaction():
            if not self.exists(name):
                self._check_room(name)
                self._insert(name, EMPTY, None)

    def replace(self, name: str, document: Mapping[str, Any], origin: bytes) -> bool:
        """Give a scenario another script for good, and new counters; its journal stays. False if it has it already.

        One that is missing is made.
        """
        with self._database.transaction():
            # Another process may have been faster, and its counters may have served since.
            if self.origin(name) == origin:
                return False
            if not self.exists(name):
                self._check_room(name)
                self._insert(name, document, origin)
                return True
            for table in ("served", "queued"):
                self._database.execute(f"DELETE FROM {table} WHERE scenario = ?", name)
            self._database.execute(
                "UPDATE scenario SET script = ?, generation = ?, origin = ?, problems = '[]' WHERE name = ?",
                *(orjson.dumps(document), self._next_generation(), origin, name),
            )
            if name == DEFAULT:
                self._begin(document, origin)
        return True

    def reset_default(self) -> None:
        """Give `default` new counters and a new journal, and the script that MOCK_SCRIPT gave it last."""
        with self._database.transaction():
            script, origin = self._database.row("SELECT script, origin FROM beginning") or (b'{"rules":[]}', None)
            self._remove(DEFAULT)
            self._insert(DEFAULT, orjson.loads(script), origin)

    def begin(self, document: Mapping[str, Any], origin: bytes | None) -> None:
        """Say what `default` is at the start, which is what its deletion leads back to."""
        with self._database.transaction():
            self._begin(document, origin)

    def share_path(self, path: str, *, is_first: bool) -> None:
        """Say where the script of `default` is, as the first process, or agree with that. Raises OtherScript."""
        with self._database.transaction():
            if is_first:
                self._database.execute("DELETE FROM script_path")
            shared = self._database.value("SELECT path FROM script_path")
            if shared is None:
                self._database.execute("INSERT INTO script_path VALUES (?)", path)
            elif shared != path:
                raise OtherScript(shared)

    def delete(self, name: str) -> bool:
        """Delete a scenario with its journal. False if no scenario has that name."""
        with self._database.transaction():
            return self._remove(name)

    def names(self) -> list[str]:
        """All names, the oldest first."""
        return [name for (name,) in self._database.rows("SELECT name FROM scenario ORDER BY made, name")]

    def open(self, name: str) -> Scenario:
        """The scenario as it is now. Raises UnknownScenario."""
        row = self._database.row(
            "SELECT generation, EXISTS (SELECT 1 FROM queued WHERE scenario = name) FROM scenario WHERE name = ?", name
        )
        if row is None:
            raise UnknownScenario(name)
        queued = []
        if row[1]:
            queued = self._database.rows("SELECT id, rule FROM queued WHERE scenario = ? ORDER BY id", name)
        rules = [(number, to_rule(orjson.loads(rule))) for number, rule in queued]
        return Scenario(name, row[0], self._script(name, row[0]), rules)

    def document(self, name: str) -> Any:
        """The script as it was given. Raises UnknownScenario."""
        row = self._database.row("SELECT script FROM scenario WHERE name = ?", name)
        if row is None:
            raise UnknownScenario(name)
        return orjson.loads(row[0])

    def queue(self, name: str, rules: Sequence[Any]) -> None:
        """Put checked rules in front of all others, each for one call; a missing scenario is made."""
        self.ensure(name)
        with self._database.transaction():
            for rule in rules:
                self._database.execute("INSERT INTO queued (scenario, rule) VALUES (?, ?)", name, orjson.dumps(rule))
            if self._database.value("SELECT count(*) FROM queued WHERE scenario = ?", name) > MAX_QUEUED:
                raise TooManyScenarios(f"At most {MAX_QUEUED} rules of a scenario can wait for their call.")
            self._check_size()

    def served(self, name: str) -> dict[int, int]:
        """How often each rule has served, by its index."""
        return dict(self._database.rows("SELECT rule, times FROM served WHERE scenario = ?", name))

    def problems(self, name: str) -> list[Any]:
        """What is wrong with the newest text of MOCK_SCRIPT, which is not in use for that."""
        found: list[Any] = orjson.loads(
            self._database.value("SELECT problems FROM scenario WHERE name = ?", name) or "[]"
        )
        return found

    def report_problems(self, name: str, problems: Sequence[Any], origin: bytes) -> None:
        """Note what is wrong with a text of MOCK_SCRIPT."""
        with self._database.transaction():
            self._database.execute(
                "UPDATE scenario SET problems = ?, origin = ? WHERE name = ?", orjson.dumps(problems), origin, name
            )

    def origin(self, name: str) -> bytes | None:
        """Which text of MOCK_SCRIPT was looked at last."""
        found: bytes | None = self._database.value("SELECT origin FROM scenario WHERE name = ?", name)
        return found

    def add_owner(self, name: str, owner: str) -> None:
        """Note that an owner may have something stored in a scenario."""
        if self._database.row("SELECT 1 FROM owner WHERE scenario = ? AND owner = ?", name, owner) is None:
            with self._database.transaction():
                self._database.execute("INSERT OR IGNORE INTO owner VALUES (?, ?)", name, owner)

    def note_last(self, name: str, owner: str) -> None:
        """Note the scenario that an owner was in last."""
        with self._database.transaction():
            self._database.execute("DELETE FROM owner WHERE owner = ?", owner)
            self._database.execute("INSERT INTO owner VALUES (?, ?)", name, owner)

    def last_of(self, owner: str) -> str | None:
        """The scenario that an owner was in last."""
        found: str | None = self._database.value("SELECT scenario FROM owner WHERE owner = ?", owner)
        return found

    def take_owners(self, name: str) -> list[str]:
        """The owners who may have something stored in a scenario, which are then forgotten."""
        with self._database.transaction():
            found = self._database.rows("DELETE FROM owner WHERE scenario = ? RETURNING owner", name)
        return [owner for (owner,) in found]

    def _begin(self, document: Mapping[str, Any], origin: bytes | None) -> None:
        self._database.execute("DELETE FROM beginning")
        self._database.execute("INSERT INTO beginning VALUES (?, ?)", orjson.dumps(document), origin)

    def _check_room(self, name: str) -> None:
        if self.exists(name) or self._database.value("SELECT count(*) FROM scenario") < MAX_SCENARIOS:
            return
        oldest = self._database.value("SELECT name FROM scenario WHERE name != ? ORDER BY made LIMIT 1", DEFAULT)
        raise TooManyScenarios(f"There are {MAX_SCENARIOS} scenarios. Delete one; {oldest} is the oldest.")

    def _check_size(self) -> None:
        size = self._database.value(
            "SELECT (SELECT sum(length(script)) FROM scenario) + (SELECT ifnull(sum(length(rule)), 0) FROM queued)"
        )
        if size > MAX_BYTES:
            raise TooManyScenarios(f"The rules of all scenarios have more than {MAX_BYTES} bytes. Delete some.")

    def _insert(self, name: str, document: Mapping[str, Any], origin: bytes | None) -> int:
        script = orjson.dumps(document)
        self._database.execute(
            "INSERT INTO scenario (name, generation, script, made, origin) VALUES (?, ?, ?, ?, ?)",
            *(name, self._next_generation(), script, time.time(), origin),
        )
        return len(script)

    def _remove(self, name: str) -> bool:
        # What is stored in `default` stays, also what the emulator keeps.
        kept = () if name == DEFAULT else ("kept",)
        for table in ("served", "queued", "taken", "hold", "entry", "recorded", *kept):
            self._database.execute(f"DELETE FROM {table} WHERE scenario = ?", name)
        return self._database.execute("DELETE FROM scenario WHERE name = ?", name).rowcount > 0

    def _next_generation(self) -> int:
        number: int = self._database.value("UPDATE generation SET last = last + 1 RETURNING last")
        return number

    def _script(self, name: str, generation: int) -> Script:
        if found := self._scripts.get(generation):
            self._scripts.move_to_end(generation)
            return found[0]
        raw = self._database.value("SELECT script FROM scenario WHERE name = ?", name)
        script = to_script(orjson.loads(raw))
        self._scripts[generation] = script, len(raw) + LEAST_CACHED
        self._cached_bytes += len(raw) + LEAST_CACHED
        while self._cached_bytes > MAX_CACHED_BYTES and len(self._scripts) > 1:
            self._cached_bytes -= self._scripts.popitem(last=False)[1][1]
        return script
