"""Conversations and their turns as they must be, in a few lists: what `test_random` compares a store with."""

from __future__ import annotations

from dataclasses import dataclass, field

from mockbackend.messages import text_of
from mockbackend.storage import Turn


@dataclass
class Open:
    """A turn that is not over, and which process runs it; None for a dead one, or where it was given up."""

    turn: Turn
    owner: int | None
    log: bytes = b"[]"
    # A process died within its end: the messages may be there.
    written: bool = False


@dataclass
class Modelled:
    """A conversation as it must be."""

    owner: str
    title: str
    history: list[str] = field(default_factory=list)
    version: int = 0
    is_hidden: bool = False
    open: Open | None = None

    def after(self, last: str) -> list[str]:
        """Its history once the open turn has been settled so."""
        assert self.open
        turn = self.open.turn
        return [*self.history[: turn.base_length], *map(text_of, turn.new_messages), last]
