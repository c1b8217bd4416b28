"""The soak's own books: whatever order a question, a deletion and a kill come in, nothing is owed that may be gone."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest

from bench.soak_ledger import Ledger


class Killed(OSError):
    """The server is gone, and with it the response."""


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "server.log")


def test_what_was_answered_is_owed(ledger: Ledger) -> None:
    ledger.answered(ledger.asked("c", "hello 1"))
    ledger.check("c", ["hello 1", "of another client"])
    with pytest.raises(AssertionError, match=re.escape("c has lost ['hello 1'], and has [] twice")):
        ledger.check("c", ["of another client"])
    with pytest.raises(AssertionError, match=re.escape("c has lost [], and has ['hello 1'] twice")):
        ledger.check("c", ["hello 1", "hello 1"])


def test_what_a_deletion_has_overtaken_is_not_owed(ledger: Ledger) -> None:
    before = ledger.asked("c", "hello 1")
    ledger.answered(ledger.asked("c", "hello 2"))
    with ledger.deleting("c"):
        # Whoever is deleted first hears its end all the same.
        ledger.answered(before)
        during = ledger.asked("c", "hello 3")
    ledger.answered(during)
    # Its response arrives after that of the deletion that came after it.
    ledger.answered(before)
    ledger.check("c", [])
    ledger.answered(ledger.asked("c", "hello 4"))
    with pytest.raises(AssertionError, match="hello 4"):
        ledger.check("c", [])


def test_what_was_answered_during_a_deletion_that_a_kill_left_without_an_answer_is_not_owed(ledger: Ledger) -> None:
    with suppress(Killed), ledger.deleting("c"):
        ledger.answered(ledger.asked("c", "hello 1"))
        raise Killed
    ledger.check("c", [])


def test_a_loss_comes_with_its_story(ledger: Ledger) -> None:
    ledger.log.write_text("a line of before\n")
    ledger.note("disk full")
    lost, other = ledger.asked("c", "hello 1"), ledger.asked("d", "elsewhere 2")
    with ledger.log.open("a") as log:
        log.write("turn t of conversation c: written\n")
    ledger.answered(lost)
    ledger.answered(other)
    ledger.note("kill -9")
    with pytest.raises(AssertionError) as raised:
        ledger.check("c", ["hello 3"])
    told = [line.partition(" s  ")[2] or line for line in str(raised.value).splitlines()]
    assert told == [
        "c has lost ['hello 1'], and has [] twice",
        "what happened there:",
        *("disk full", "asked 'hello 1'", "answered: 'hello 1'", "kill -9"),
        "the server's log then:",
        *("a line of before", "turn t of conversation c: written"),
        "its lines:",
        "turn t of conversation c: written",
        "its history:",
        "'hello 3'",
    ]
