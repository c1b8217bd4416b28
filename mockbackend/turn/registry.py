"""The turns that run in this process, by their ids."""

from __future__ import annotations

from collections.abc import Iterator

from ..metrics import RUNNING_TURNS
from .run import Run


class RunRegistry:
    """Runs from their claim to their stored end. A turn that this process has claimed and that is not here is dead."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        # The conversations of turns whose end the storage has cut short: their rows are open, though nothing runs.
        self.unsettled: set[str] = set()

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[Run]:
        # A copy, since runs may end while the caller iterates.
        return iter(list(self._runs.values()))

    def find(self, turn_id: str) -> Run | None:
        """This process's run of that turn."""
        return self._runs.get(turn_id)

    def add(self, run: Run) -> None:
        """Add a run that begins."""
        self._runs[run.turn.turn_id] = run
        RUNNING_TURNS.set(len(self._runs))

    def remove(self, run: Run) -> None:
        """Remove a run that is over."""
        del self._runs[run.turn.turn_id]
        RUNNING_TURNS.set(len(self._runs))
