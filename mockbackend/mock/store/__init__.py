"""What the workers of a host share of the mock: scenarios, their counters, and the journal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .database import Database
from .journal import Entry, Filter, Journal
from .scenarios import DEFAULT, EMPTY, NAME, NAMES, Scenario, Scenarios, TooManyScenarios, UnknownScenario
from .serving import Serving, Servings

__all__ = [
    "DEFAULT",
    "EMPTY",
    "NAME",
    "NAMES",
    "Entry",
    "Filter",
    "Journal",
    "MockStore",
    "Scenario",
    "Serving",
    "TooManyScenarios",
    "UnknownScenario",
]


class MockStore:
    """The store, open in one process. It must be closed."""

    def __init__(self, folder: Path | None, script: Any = EMPTY, origin: bytes = b"") -> None:
        """Open the store in a folder, or in one of its own. `script` is a checked document, the rules of `default`."""
        self._database = Database(folder)
        self.scenarios = Scenarios(self._database)
        self.journal = Journal(self._database)
        self.servings = Servings(self._database, self.scenarios)
        # A worker that follows a dead one goes on with its counters.
        if self._database.is_first or not self.scenarios.exists(DEFAULT):
            self.scenarios.begin(script, origin)
            self.scenarios.reset_default()

    def version(self) -> tuple[int, int]:
        """What is another after each change, whichever process made it."""
        return self._database.version()

    def close(self) -> None:
        """Close the file."""
        self._database.close()
