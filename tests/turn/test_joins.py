"""Readers that join a running answer: what has been decided by then is not asked again."""

from __future__ import annotations

import dataclasses

import pytest

from mockbackend.events import ApprovalAsked, ApprovalGiven, Event, StepEnded, StepStarted, ToolCalled, Usage
from mockbackend.turn.joins import Joins
from mockbackend.turn.run import BATCH, Reader


@dataclasses.dataclass
class Said:
    """A turn that has said this."""

    events: list[Event]
    is_over: bool = True

    def enter(self, reader: Reader) -> None:
        """Take a reader."""

    def leave(self, reader: Reader) -> None:
        """Forget a reader."""


async def heard(events: list[Event]) -> list[Event]:
    """What one who joins that turn hears."""
    reader = Joins(1).reader("ann", Said(events))
    found: list[Event] = []
    while (batch := await reader.next()) is not None:
        found += batch
    reader.close()
    return found


@pytest.mark.parametrize("between", [0, BATCH], ids=["at once", "in another batch"])
async def test_a_question_that_has_had_its_yes_is_not_asked_again(between: int) -> None:
    asked, other = ApprovalAsked("call-1", "approval-1"), ApprovalAsked("call-2", "approval-2")
    before: list[Event] = [StepStarted("msg-1"), ToolCalled("call-1", "mail", {}), ToolCalled("call-2", "mail", {})]
    steps: list[Event] = [StepEnded("tool-calls", Usage())] * (between + 1)
    yes, no = ApprovalGiven("call-1", approved=True), ApprovalGiven("call-2", approved=False)
    assert await heard([*before, asked, other, *steps]) == [*before, asked, other, *steps]
    assert await heard([*before, asked, other, *steps, yes, no]) == [*before, other, *steps, yes, no]
