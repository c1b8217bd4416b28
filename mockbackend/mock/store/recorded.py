"""Which files of a recording this run has written: turns have numbers, whichever process records them."""

from __future__ import annotations

from .database import Database

# More turns of one scenario nobody looks through.
MAX_TURNS = 9999


class Recorded:
    """The turns of a run, by scenario."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, scenario: str, slug: str) -> str | None:
        """The name of the next turn's files; None if there are too many."""
        with self._database.transaction():
            number = 1 + self._database.value("SELECT count(*) FROM recorded WHERE scenario = ?", scenario)
            if number > MAX_TURNS:
                return None
            name = f"{number:02d}-{slug}"
            self._database.execute("INSERT INTO recorded VALUES (?, ?, 0)", scenario, name)
        return name

    def grow(self, scenario: str, name: str, size: int) -> tuple[int, int]:
        """Add to the size of a turn's files; returns that of the scenario's files, and of all."""
        with self._database.transaction():
            self._database.execute(
                "UPDATE recorded SET size = size + ? WHERE scenario = ? AND name = ?", size, scenario, name
            )
        return self._database.row(  # type: ignore[no-any-return]
            "SELECT ifnull(sum(size) FILTER (WHERE scenario = ?), 0), ifnull(sum(size), 0) FROM recorded", scenario
        )

    def names(self) -> list[tuple[str, str]]:
        """The scenario and name of each turn."""
        return self._database.rows("SELECT scenario, name FROM recorded")

    def clear(self) -> None:
        """Forget those of an earlier run."""
        self._database.execute("DELETE FROM recorded")
