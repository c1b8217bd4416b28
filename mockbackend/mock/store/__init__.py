"""What the workers of a host share of the mock: scenarios, their counters, and the journal."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from ..drawn import Source
from ..script.names import DEFAULT, NAME, NAMES
from .changes import Changes
from .database import Database
from .holds import Gate, Hold, Holds
from .journal import Entry, Filter, Journal, Side
from .kept import Kept
from .recorded import Recorded
from .scenarios import EMPTY, OtherScript, Scenario, Scenarios, TooManyScenarios, UnknownScenario
from .serving import Chosen, Serving, Servings

__all__ = [
    "DEFAULT",
    "EMPTY",
    "NAME",
    "NAMES",
    "Chosen",
    "Entry",
    "Filter",
    "Gate",
    "Hold",
    "Holds",
    "Journal",
    "Kept",
    "MockStore",
    "OtherScript",
    "Recorded",
    "Scenario",
    "Serving",
    "TooManyScenarios",
    "UnknownScenario",
]


class MockStore:
    """The store, open in one process. It must be closed."""

    def __init__(
        self, folder: Path | None, script: Any = EMPTY, origin: bytes = b"", *, path: str = "", keeps: bool = True
    ) -> None:
        """Open the store in a folder, or in one of its own. `script` is a checked document, the rules of `default`.

        `path` is where it was read from. What is there of an earlier run stays only if it keeps that.
        Raises OtherScript.
        """
        self._database = Database(folder, keeps=keeps)
        self.scenarios = Scenarios(self._database)
        self.journal = Journal(self._database)
        self.holds = Holds(self._database)
        self.recorded = Recorded(self._database)
        self.servings = Servings(self._database, self.scenarios)
        # No other process of this host has it open.
        self.is_first = self._database.is_first
        try:
            self.scenarios.share_path(path, is_first=self.is_first)
        except OtherScript:
            self.close()
            raise
        # A worker that follows a dead one goes on with its counters.
        if self.is_first or not self.scenarios.exists(DEFAULT):
            self.scenarios.begin(script, origin)
            self.scenarios.reset_default()

    def source(self, entry: Entry, side: Side, kind: str, turn: str | None = None) -> Source | None:
        """Where the ids and times of a call come from; None where its script sets neither seed nor clock.

        Calls that come in the same order draw the same, in whatever process.
        """
        scenario = self.scenarios.open(entry.scenario)
        seed, now = scenario.script.seed, scenario.script.now
        if seed is None:
            return None if now is None else Source(None, now)
        number = self.journal.number_of_kind(entry, side, kind, turn)
        # What is stored in `default` outlives its rules, so no id may come again.
        generation = scenario.generation if scenario.name == DEFAULT else ""
        drawn = f"{seed}\0{scenario.name}\0{generation}\0{side}\0{kind}\0{turn or ''}\0{number}"
        return Source(Random(drawn), now)

    def kept(self, kind: str, most: int, most_bytes: int) -> Kept:
        """What the emulator keeps of a kind, with the most values and bytes that all scenarios may have of it."""
        return Kept(self._database, kind, most, most_bytes)

    def changes(self, kind: str) -> Changes:
        """The changes to what the emulator's processes hold of a kind."""
        return Changes(self._database, kind)

    def version(self) -> tuple[int, int]:
        """What is another after each change, whichever process made it."""
        return self._database.version()

    def close(self) -> bool:
        """Close the file. True if no other process has it open."""
        return self._database.close()
