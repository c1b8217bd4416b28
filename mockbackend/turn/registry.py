"""The turns that run in this process, by their ids."""

from __future__ import annotations

from collections.abc import Iterator

from .run import Run


class RunRegistry:
    """Runs, from their claim to their stored end. A row of ours whose turn is not in here has no owner."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[Run]:
        # A copy: runs end while somebody walks through them.
        return iter(list(self._runs.values()))

    def find(self, turn_id: str) -> Run | None:
        """This process's run of that turn."""
        return self._runs.get(turn_id)

    def add(self, run: Run) -> None:
        """A run begins."""
        self._runs[run.turn.turn_id] = run

    def remove(self, run: Run) -> None:
        """A run is over."""
        del self._runs[run.turn.turn_id]
