"""The turns that run in this process, by their ids."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..metrics import RUNNING_TURNS
from .run import Run


class RunRegistry:
    """Runs from before their claim to their stored end. A turn of this process that is not here is dead."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        # The ids of turns whose claims are under way: their rows may be there before their runs are.
        self._claimed: set[str] = set()
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

    def is_alive(self, turn_id: str) -> bool:
        """Whether that turn of this process runs, or is about to."""
        return turn_id in self._runs or turn_id in self._claimed

    @contextmanager
    def claiming(self, turn_id: str) -> Iterator[None]:
        """A context in which a turn of that id is claimed, and given its run."""
        self._claimed.add(turn_id)
        try:
            yield
        finally:
            self._claimed.remove(turn_id)

    def add(self, run: Run) -> None:
        """Add a run that begins."""
        self._runs[run.turn.turn_id] = run
        RUNNING_TURNS.set(len(self._runs))

    def remove(self, run: Run) -> None:
        """Remove a run that is over."""
        del self._runs[run.turn.turn_id]
        RUNNING_TURNS.set(len(self._runs))
